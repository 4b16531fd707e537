"""The plain WebSocket: a golden conversation, pauses, pictures, and what is refused or left out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.gateway.events import (
    Audio,
    Dropped,
    Ended,
    Paused,
    Picture,
    Refused,
    Reply,
    Resumed,
    Started,
)
from affectstream.producers.gateway.plain import Plain

JPEG = b"\xff\xd8 picture \xff\xd9"
START = {
    "type": "start",
    "call_id": "call-7",
    "token": "t",
    "tracks": [
        {"party": "customer", "encoding": "s16le", "rate_hz": 16000},
        {"party": "customer", "encoding": "jpeg"},
        {"party": "agent", "encoding": "mulaw", "rate_hz": "8000"},
    ],
}


def frame(track, at_ms, body):
    return bytes([track]) + at_ms.to_bytes(8, "big") + body


def conversation(*messages):
    stream = Plain()
    return [event for message in messages for event in stream.receive(message)]


def test_the_documented_conversation():
    messages = [
        json.dumps(START),
        frame(0, 0, b"\1\0\2\0"),
        frame(1, 40, JPEG),
        frame(2, 20, b"\xff"),
        '{"type": "pause"}',
        '{"type": "resume"}',
        '{"type": "stop"}',
    ]
    assert conversation(*messages) == [
        Started("call-7", ("customer", "agent"), "t", ("customer",)),
        Audio("customer", 16_000, b"\1\0\2\0", 0),
        Picture("customer", JPEG, 40),
        Audio("agent", 8_000, b"\0\0", 20),
        Paused(),
        Resumed(),
        Reply('{"type": "ended"}'),
        Ended("stop"),
    ]
    assert Plain().admitted("s") == [Reply('{"type": "started", "session": "s"}')]
    assert Plain().refused("full") == [Reply('{"type": "refused", "reason": "full"}')]


TRACK = START["tracks"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"call_id": ""}, "no_call_id"),
        ({"call_id": 7}, "no_call_id"),
        ({"tracks": []}, "bad_tracks"),
        ({"tracks": "customer"}, "bad_tracks"),
        ({"tracks": [TRACK, TRACK]}, "bad_tracks"),
        ({"tracks": [TRACK] * 100}, "bad_tracks"),
        ({"tracks": [TRACK | {"party": "boss"}]}, "bad_tracks"),
        ({"tracks": [TRACK | {"party": []}]}, "bad_tracks"),
        ({"tracks": [TRACK | {"rate_hz": 100}]}, "bad_tracks"),
        ({"tracks": [TRACK | {"encoding": "opus"}]}, "bad_tracks"),
        ({"tracks": [TRACK, 5]}, "bad_tracks"),
        ({"type": "begin"}, "no_start"),
    ],
)
def test_a_start_that_cannot_be_used_is_refused(change, reason):
    assert conversation(json.dumps(START | change)) == [Refused(reason)]


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (json.dumps(START), Refused("second_start")),
        ('{"type": "dance"}', Refused("unknown_type")),
        ('{"type": {}}', Refused("unknown_type")),
        ("[]", Refused("unknown_type")),
        ("{", Refused("not_json")),
        (" " * 70_000, Refused("message_too_long")),
        (frame(0, 1 << 60, b"\0\0"), Refused("time_leaps")),
        (frame(3, 0, b"\0\0"), Dropped("bad_frame")),
        (b"", Dropped("bad_frame")),
        (frame(0, 0, b"\0"), Dropped("bad_payload")),
        (frame(1, 0, b"no picture"), Dropped("bad_jpeg")),
    ],
)
def test_what_cannot_be_used_is_refused_or_left_out(message, event):
    assert conversation(json.dumps(START), message)[-1] == event


def test_nothing_is_taken_before_the_start():
    assert conversation(frame(0, 0, b"\0\0")) == [Refused("no_start")]
    assert conversation('{"type": "pause"}') == [Refused("no_start")]


@given(st.lists(st.binary(max_size=40) | st.text(max_size=40), max_size=5))
def test_hostile_messages_never_raise(messages):
    conversation(*messages)
    conversation(json.dumps(START), *messages)
