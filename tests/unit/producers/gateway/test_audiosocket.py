"""AudioSocket: golden bytes in any split, and what is refused."""

import uuid
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.gateway.audiosocket import REFUSAL, AudioSocket, frame
from affectstream.producers.gateway.events import ANY, Audio, Ended, Refused, Reply, Started

CALL = uuid.UUID("0436430c-2b02-624c-2032-570501212b57")
GOLDEN = bytes.fromhex(
    "010010 0436430c2b02624c2032570501212b57"  # the UUID
    "100004 01000200"  # 8 kHz
    "030001 35"  # DTMF
    "100002 0300"
    "000000"  # hang-up
)
EVENTS = [
    Started(str(CALL), ("customer",), None, continues=ANY),
    Audio("customer", 8000, b"\x01\x00\x02\x00", 0, 1),
    Audio("customer", 8000, b"\x03\x00", 0, 2),
    Ended("hang_up"),
]


def conversation(*parts):
    socket = AudioSocket("customer")
    return [event for part in parts for event in socket.receive(part)]


def test_the_documented_bytes():
    assert conversation(GOLDEN) == EVENTS


@given(st.lists(st.integers(0, len(GOLDEN)), max_size=12))
def test_any_split_gives_the_same_events(cuts):
    ends = sorted({0, *cuts, len(GOLDEN)})
    assert conversation(*[GOLDEN[a:b] for a, b in pairwise(ends)]) == EVENTS


@pytest.mark.parametrize(
    ("kind", "rate_hz"),
    [(0x11, 12_000), (0x12, 16_000), (0x13, 24_000), (0x14, 32_000), (0x15, 44_100), (0x16, 48_000)],
)
def test_faster_sound_is_read_at_its_rate_and_its_samples_are_the_clock(kind, rate_hz):
    found = conversation(frame(1, CALL.bytes), *[frame(kind, bytes(32_000))] * 3)
    assert [event.stream_ms for event in found[1:]] == [16_000 * n * 1000 // rate_hz for n in range(3)]
    assert {event.rate_hz for event in found[1:]} == {rate_hz}


def test_an_error_of_the_other_side_ends_the_stream_and_nothing_follows():
    assert conversation(frame(1, CALL.bytes), frame(0xFF, b"\x02"), frame(0x10, b"\0\0")) == [
        EVENTS[0],
        Ended("error"),
    ]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([frame(0x10, b"\0\0")], "sound_before_uuid"),
        ([frame(1, b"short")], "bad_uuid"),
        ([frame(1, CALL.bytes), frame(1, CALL.bytes)], "bad_uuid"),
        ([frame(1, CALL.bytes), frame(0x10, b"\0")], "half_a_sample"),
        ([frame(1, CALL.bytes), frame(0x10, b"\0\0"), frame(0x12, b"\0\0")], "rate_changed"),
        ([frame(1, CALL.bytes), frame(0x17, b"\0\0")], "rate"),
        ([b"GET / HTTP/1.1\r\nHost: a\r\n" + bytes(20_000)], "sound_before_uuid"),
    ],
)
def test_what_breaks_the_protocol_is_refused(parts, reason):
    assert conversation(*parts)[-1] == Refused(reason)


def test_unknown_kinds_are_ignored_and_a_refusal_is_an_error_message():
    assert conversation(frame(1, CALL.bytes), frame(0x42, b"x"), frame(0x10)) == EVENTS[:1]
    assert AudioSocket("customer").refused("full") == [Reply(REFUSAL)]


@given(st.binary(max_size=300))
def test_hostile_bytes_never_raise_and_are_not_kept_beyond_one_message(noise):
    socket = AudioSocket("customer")
    socket.receive(frame(1, CALL.bytes) + noise)
    assert len(socket._buffer) <= len(noise)
