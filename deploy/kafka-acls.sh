#!/bin/sh
# What each process may do on Kafka; `affectstream topics acls --script` prints this, for your topic prefix.
# The options go to Kafka's own kafka-acls.sh, which KAFKA_ACLS names where it is not on the PATH:
#   deploy/kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties
set -eu
connection=$*

add() {
    user=$1 operation=$2
    shift 2
    # shellcheck disable=SC2086 # the options of the connection are several words
    "${KAFKA_ACLS:-kafka-acls.sh}" $connection --add --allow-principal "$user" --operation "$operation" "$@"
}
add User:affect-alerts read \
    --group affect-alerts
add User:affect-alerts describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-alerts read \
    --topic affect.fused
add User:affect-alerts write \
    --topic affect.alerts \
    --topic affect.dead-letters
add User:affect-asr read \
    --group affect-asr
add User:affect-asr describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-asr read \
    --topic affect.audio.chunks
add User:affect-asr write \
    --topic affect.dead-letters \
    --topic affect.text.transcripts
add User:affect-audio read \
    --group affect-audio
add User:affect-audio describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-audio read \
    --topic affect.audio.chunks
add User:affect-audio write \
    --topic affect.dead-letters \
    --topic affect.probabilities
add User:affect-audio-shadow read \
    --group affect-audio-shadow
add User:affect-audio-shadow describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-audio-shadow read \
    --topic affect.audio.chunks
add User:affect-audio-shadow write \
    --topic affect.shadow
add User:affect-fusion describe \
    --group affect-asr \
    --group affect-audio \
    --group affect-text \
    --group affect-video
add User:affect-fusion read \
    --group affect-fusion
add User:affect-fusion describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-fusion read \
    --topic affect.probabilities
add User:affect-fusion write \
    --topic affect.dead-letters \
    --topic affect.fused
add User:affect-operator describe \
    --group affect-alerts \
    --group affect-asr \
    --group affect-audio \
    --group affect-audio-shadow \
    --group affect-fusion \
    --group affect-record \
    --group affect-text \
    --group affect-text-shadow \
    --group affect-video \
    --group affect-video-shadow
add User:affect-operator create \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-operator describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-operator DescribeConfigs \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-operator read \
    --topic affect.dead-letters \
    --topic affect.fused
add User:affect-producer describe \
    --group affect-asr \
    --group affect-audio \
    --group affect-text \
    --group affect-video
add User:affect-producer describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-producer write \
    --topic affect.audio.chunks \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-record read \
    --group affect-record
add User:affect-record describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-record read \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-text read \
    --group affect-text
add User:affect-text describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-text read \
    --topic affect.text.transcripts
add User:affect-text write \
    --topic affect.dead-letters \
    --topic affect.probabilities
add User:affect-text-shadow read \
    --group affect-text-shadow
add User:affect-text-shadow describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-text-shadow read \
    --topic affect.text.transcripts
add User:affect-text-shadow write \
    --topic affect.shadow
add User:affect-video read \
    --group affect-video
add User:affect-video describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-video read \
    --topic affect.video.frames
add User:affect-video write \
    --topic affect.dead-letters \
    --topic affect.probabilities
add User:affect-video-shadow read \
    --group affect-video-shadow
add User:affect-video-shadow describe \
    --topic affect.alerts \
    --topic affect.audio.chunks \
    --topic affect.dead-letters \
    --topic affect.fused \
    --topic affect.probabilities \
    --topic affect.shadow \
    --topic affect.text.transcripts \
    --topic affect.video.frames
add User:affect-video-shadow read \
    --topic affect.video.frames
add User:affect-video-shadow write \
    --topic affect.shadow
