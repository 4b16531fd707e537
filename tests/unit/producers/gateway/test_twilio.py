"""Twilio Media Streams and look-alikes: golden conversations, and what is refused or left out."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.media_streams import BY_VENDOR

from affectstream.producers.gateway.call_plan import NOT_SAID, OneChannel
from affectstream.producers.gateway.events import ANY, Audio, Dropped, Ended, Refused, Started, Texts
from affectstream.producers.gateway.sound import mu_law
from affectstream.producers.gateway.twilio import LONGEST_TEXT, Twilio, number

PARTIES = {"inbound": "customer", "outbound": "agent"}
SILENCE = base64.b64encode(b"\xff" * 160).decode()
PCM = mu_law(b"\xff" * 160)

GOLDEN = [  # as Twilio's documentation shows them
    '{"event":"connected","protocol":"Call","version":"1.0.0"}',
    '{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",'
    '"tracks":["inbound","outbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,'
    '"channels":1},"customParameters":{"token":"t"}},"streamSid":"MZ1"}',
    '{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1","timestamp":"5",'
    f'"payload":"{SILENCE}"}},"streamSid":"MZ1"}}',
    '{"event":"media","sequenceNumber":"4","media":{"track":"outbound","chunk":"1","timestamp":"5",'
    f'"payload":"{SILENCE}"}},"streamSid":"MZ1"}}',
    '{"event":"dtmf","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"},"streamSid":"MZ1"}',
    '{"event":"mark","sequenceNumber":"6","mark":{"name":"x"},"streamSid":"MZ1"}',
    '{"event":"stop","sequenceNumber":"7","stop":{"accountSid":"AC1","callSid":"CA1"},"streamSid":"MZ1"}',
]
LOOK_ALIKE = [  # numbers as integers, snake_case, no track, epoch stamps, A-law at 16 kHz by another name
    '{"event":"start","sequence_number":1,"start":{"call_control_id":"v3:abc","media_format":'
    '{"encoding":"PCMU","sample_rate":"8000","channels":"1"}},"stream_id":"s-1"}',
    f'{{"event":"media","sequence_number":2,"media":{{"chunk":7,"timestamp":1700000000100,'
    f'"payload":"{SILENCE}"}},"stream_id":"s-1"}}',
    f'{{"event":"media","sequence_number":1,"media":{{"chunk":6,"timestamp":1700000000080,'
    f'"payload":"{SILENCE}"}},"stream_id":"s-1"}}',
    '{"event":"stop","stream_id":"s-1"}',
]


def taken(stream, message):
    """The events of a message, by the short way of sound where that takes it."""
    return stream.receive(message) if isinstance(message, bytes) else stream.receive_all(Texts([message]))


def conversation(messages, unnamed=NOT_SAID):
    stream = Twilio(PARTIES, unnamed)
    return [event for message in messages for event in taken(stream, message)]


def test_the_documented_conversation():
    assert conversation(GOLDEN) == [
        Started("CA1", ("customer", "agent"), "t", continues=ANY),
        Audio("customer", 8000, PCM, 5, 1),
        Audio("agent", 8000, b"\xff" * 160, 5, 1, mu_law),  # as every frame after the first
        Ended("stop"),
    ]


def test_frames_that_are_read_together_give_what_each_gives_alone():
    stream = Twilio(PARTIES)
    assert stream._sounds(Texts(GOLDEN[2:4])) is None  # no call has begun
    long = [event for message in GOLDEN[1:4] for event in stream.receive(message)]
    short = stream._sounds(Texts(GOLDEN[2:4]))
    assert short == stream.receive_all(Texts(GOLDEN[2:4]))
    fields = [(event.party, event.rate_hz, event.pcm, event.stream_ms, event.index) for event in short]
    assert fields == [(e.party, e.rate_hz, e.pcm, e.stream_ms, e.index) for e in long[1:]]
    others = [GOLDEN[1], *GOLDEN[4:], *LOOK_ALIKE, "", GOLDEN[2].replace(",", ",\n", 1), "%", GOLDEN[3] * 2]
    others += [GOLDEN[2] + " " * LONGEST_TEXT, f"{GOLDEN[2]}\n{GOLDEN[3]}"]
    assert [stream._sounds(Texts([*GOLDEN[2:4], message])) for message in others] == [None] * len(others)


def test_a_look_alike_gives_the_same_events():
    assert conversation(LOOK_ALIKE, OneChannel("customer")) == [
        Started("v3:abc", ("customer", "agent"), "", continues=ANY),
        Audio("customer", 8000, PCM, 0, 7),
        Audio("customer", 8000, PCM, -20, 6),
        Ended("stop"),
    ]


@pytest.mark.parametrize("vendor", BY_VENDOR)
def test_what_vendors_send_is_read(vendor):
    started, sound, ended = conversation(map(json.dumps, BY_VENDOR[vendor]), OneChannel("customer"))
    assert (started.call_id, started.parties[0], ended) == ("v3:1", "customer", Ended("stop"))
    expected = Audio("customer", 8000, PCM if vendor == "Telnyx" else bytes(3200), sound.stream_ms, 2)
    assert sound == expected and sound.stream_ms == (0 if vendor == "Plivo" else 5)


@pytest.mark.parametrize("tracks", [["inbound"], ["inbound_track"], ["INBOUND", 5, "third"]])
def test_a_stream_of_one_track_has_one_party(tracks):
    start = json.loads(GOLDEN[1])
    start["start"]["tracks"] = tracks
    assert conversation([json.dumps(start)]) == [Started("CA1", ("customer",), "t", continues=ANY)]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "not_json"),
        ("[]", "not_json"),
        ("[" * 30_000, "not_json"),
        (b"\xff\xfe", "not_json"),
        ("{}", "no_event"),
        (GOLDEN[2], "media_before_start"),
        (GOLDEN[6], "stop_before_start"),
        ('{"event":"start","start":{}}', "no_call_id"),
        ('{"event":"start","start":{"callSid":"C","mediaFormat":{"encoding":"opus"}}}', "media_format"),
        ('{"event":"start","start":{"callSid":"C","mediaFormat":{"sampleRate":1}}}', "media_format"),
        ('{"event":"start","start":{"callSid":"C","mediaFormat":{"channels":2}}}', "media_format"),
        (" " * (LONGEST_TEXT + 1), "message_too_long"),
    ],
)
def test_what_breaks_the_protocol_is_refused(message, reason):
    assert conversation([message]) == [Refused(reason)]


def test_a_second_start_is_refused():
    assert conversation([GOLDEN[1], GOLDEN[1]])[-1] == Refused("second_start")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"payload": "%%"}, "bad_payload"),
        ({"payload": 5}, "bad_media"),
        ({"track": "third"}, "bad_media"),
        ({"track": ["inbound"]}, "bad_media"),
    ],
)
def test_a_frame_that_cannot_be_used_is_left_out(change, reason):
    frame = json.loads(GOLDEN[2])
    frame["media"] |= change
    assert conversation([GOLDEN[1], json.dumps(frame)])[-1] == Dropped(reason)


@pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("number_of", [str, int])
@pytest.mark.parametrize("encoding", ["audio/x-mulaw", "audio/pcma", "audio/l16"])
def test_the_short_way_of_a_frame_gives_the_sound_of_the_long_one(encoding, number_of, spaces):
    start, frame = json.loads(GOLDEN[1]), json.loads(GOLDEN[2])
    start["start"]["mediaFormat"]["encoding"] = encoding
    media = frame["media"] | {"chunk": number_of(2), "timestamp": number_of(25)}
    wordy = frame | {"media": media | {"track": "INBOUND"}}  # read the long way
    first, short, long = conversation(
        [
            json.dumps(start),
            GOLDEN[2],
            json.dumps(frame | {"media": media}, separators=spaces),
            json.dumps(wordy),
        ]
    )[1:]
    assert (
        (short.pcm, short.stream_ms, short.index)
        == (long.pcm, long.stream_ms, long.index)
        == (first.pcm, 25, 2)
    )


def test_half_a_sample_is_left_out():
    start, frame = json.loads(GOLDEN[1]), json.loads(GOLDEN[2])
    start["start"]["mediaFormat"]["encoding"] = "audio/l16"
    frame["media"]["payload"] = base64.b64encode(bytes(3)).decode()
    assert conversation([json.dumps(start), GOLDEN[2], json.dumps(frame)])[-1] == Dropped("bad_payload")


def test_frames_of_another_stream_are_left_out():
    frame = json.loads(GOLDEN[2]) | {"streamSid": "MZ2"}
    assert conversation([GOLDEN[1], json.dumps(frame)])[-1] == Dropped("other_stream")


def test_a_frame_without_a_time_follows_the_one_before():
    frame = json.loads(GOLDEN[2])
    del frame["media"]["timestamp"], frame["media"]["chunk"]
    assert conversation([GOLDEN[1], json.dumps(frame)])[-1] == Audio("customer", 8000, PCM, None, None)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        *((value, 12) for value in ("12", 12, 12.0)),
        *(
            (value, None)
            for value in ("-1", -1, True, "1e3", 1.5, "9" * 17, 1 << 60, "\u0661", None, [], 1e300)
        ),
    ],
)
def test_numbers_are_read_from_strings_and_numbers(value, found):
    assert number(value) == found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["event", "start", "media", "stop", "track", "payload", "timestamp", "chunk", "tracks", "callSid"]
FIELDS += ["mediaFormat", "encoding", "sampleRate", "channels", "customParameters", "token", "streamSid"]
messages = st.recursive(
    json_values | st.sampled_from(["inbound", "media", "start", SILENCE, "audio/x-mulaw"]),
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)


@given(st.lists(messages, max_size=5), st.binary(max_size=40))
def test_hostile_messages_never_raise(hostile, noise):
    for begun in ([], [GOLDEN[1]]):
        stream = Twilio(PARTIES)
        for message in [*begun, *map(json.dumps, hostile), noise, noise.decode("latin-1")]:
            for event in taken(stream, message):
                if isinstance(event, Audio):
                    assert len(event.pcm) % 2 == 0 and event.party in PARTIES.values()
