"""What another process needs to go on with a call, or to end it: no sound, no words."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.call_plan import CallPlan
from affectstream.producers.gateway.continuing import StreamKey
from affectstream.producers.gateway.events import StreamMessage
from affectstream.producers.gateway.lane import Lane
from affectstream.producers.gateway.progress import Progress
from affectstream.producers.gateway.speech import SpeechLane
from affectstream.schemas.messages import AudioChunk, Modality, Party, Reason, Transcript, VideoFrame


class Sound(msgspec.Struct, frozen=True):
    """How far the sound of a party has been sent."""

    rate_hz: int
    end_ms: int


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """A message whose way to the broker was not over; its times are the stream's."""

    party: Party
    modality: Modality
    number: int
    start_ms: int
    end_ms: int
    watermark_ms: int


class Handed(msgspec.Struct, frozen=True):
    """What goes on of a call."""

    session_id: str
    run: str
    zero_ms: int
    sound: dict[Party, Sound]
    words_ms: dict[Party, int]  # up to where they are settled
    numbers: list[tuple[Party, Modality, int]]  # of the next message
    parties: tuple[Party, ...] = ()
    video: tuple[Party, ...] = ()
    seen_ms: dict[Party, int] = {}  # time of the newest picture
    paused: bool = False  # by the stream's protocol
    on_the_way: tuple[Sent, ...] = ()
    protocol: str = ""


def named(stream: StreamKey) -> str:
    """Return the name by which a stream is asked for."""
    session_id, parties, stream_id = stream
    return hashlib.sha256("\0".join([session_id, *sorted(parties), stream_id]).encode()).hexdigest()


def resumed(plan: CallPlan, handed: Handed, words: Sequence[Party] = ()) -> Call:
    """Return the call as it goes on; the new stream brings ``words``."""
    speech = SpeechLane(plan.redact, [party for party in words if party in plan.permitted])
    speech.resume(handed.words_ms)
    lanes = {
        party: Lane(sound.rate_hz, plan.chunk_ms, plan.hop_ms, plan.zero_ms, sound.end_ms)
        for party, sound in handed.sound.items()
    }
    numbers = Counter({(party, modality): number for party, modality, number in handed.numbers})
    call = Call(plan, Progress(speech, lanes, {**handed.seen_ms}, numbers))
    if handed.paused:
        call.pauses.pause(call.head_ms)
    return call


def stand_in(plan: CallPlan, sent: Sent, rate_hz: int) -> StreamMessage:
    """Return an empty message in the place of one that may not have arrived; where it did, it counts."""
    times = sent.start_ms, sent.end_ms, sent.watermark_ms
    fields = plan.fields(sent.party, sent.modality, sent.number, *times)
    if sent.modality == "audio":
        asked = plan.recognises(sent.party)
        return AudioChunk(**fields, rate_hz=rate_hz, transcribe=asked, pcm=b"", withheld=Reason.FAILED)
    if sent.modality == "video":
        return VideoFrame(**fields, jpeg=b"", withheld=Reason.FAILED)
    return Transcript(**fields, text="", withheld=Reason.FAILED)


def stand_ins(plan: CallPlan, handed: Handed) -> list[StreamMessage]:
    """Return what stands for the messages of which nobody knows whether they arrived."""
    rates_hz = {party: sound.rate_hz for party, sound in handed.sound.items()}
    return [stand_in(plan, sent, rates_hz.get(sent.party, 0)) for sent in handed.on_the_way]
