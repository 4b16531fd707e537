"""The position of an AudioHook stream: samples, pauses, discarded spans, continued sessions, durations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audiohook import CONVERSATION, EXTERNAL, ORGANIZATION, STEREO, Client

from affectstream.producers.gateway.audiohook_messages import Malformed, duration, duration_ns
from affectstream.producers.gateway.events import (
    Dropped,
    Ended,
    Heard,
    Paused,
    Resumed,
)


def test_a_pause_is_a_gap_of_what_was_discarded_in_it():
    client = Client()
    client.open()
    client.sound(8000)
    assert client.send("paused", "PT1S") == [Paused()]
    assert client.send("ping", "PT3.7S") == []
    assert client.send("paused", "PT3.8S") == []
    assert client.send("resumed", "PT6S", start="PT1S", discarded="PT5S") == [Resumed()]
    external, _ = client.sound(800)
    assert (external.stream_ms, external.index) == (6000, 3)
    assert client.send("close", "PT6.1S", reason="end") == [Ended("end")]


def test_discarded_sound_is_a_gap():
    client = Client()
    client.open()
    client.sound(4000)
    assert client.send("discarded", "PT0.8S", start="PT0.5S", discarded="PT0.3S") == []
    assert [audio.stream_ms for audio in client.sound(160)] == [800, 800]


@pytest.mark.parametrize("position", ["PT0S", "PT0.7S", "PT9S"])
def test_a_position_that_is_another_is_counted_and_changes_nothing(position):
    client = Client()
    client.open()
    client.sound(4000)
    assert client.send("ping", position) == [Dropped("position")]
    assert client.sound(160)[0].stream_ms == 500


def test_a_start_that_is_another_is_counted_and_the_gap_is_as_long_as_stated():
    client = Client()
    client.open()
    client.sound(4000)
    assert client.send("discarded", "PT0.8S", start="PT6.3S", discarded="PT0.3S") == [Dropped("position")]
    assert client.sound(160)[0].stream_ms == 800


@given(st.lists(st.one_of(st.integers(1, 3000), st.integers(1, 5000).map(lambda ms: -ms)), max_size=20))
@settings(max_examples=25, deadline=None)
def test_the_position_is_exact_to_the_sample(steps):
    """Positive: samples that are sent; negative: milliseconds that are discarded."""
    client, samples = Client(media=[EXTERNAL]), 0
    client.open()
    for step in steps:
        position = duration(samples * 125_000)
        if step < 0:
            samples += -step * 8
            after = duration(samples * 125_000)
            discarded = f"PT{-step / 1000}S"
            assert client.send("discarded", after, start=position, discarded=discarded) == []
        else:
            (audio,) = client.sound(step, channels=1)
            assert audio.stream_ms == samples // 8
            samples += step
    assert client.hook._clock.position_ns == samples * 125_000


def test_a_session_that_is_continued_is_named_with_those_before_it():
    earlier = [{"id": ORGANIZATION, "serverseq": 3, "clientseq": 7}, {"id": CONVERSATION.upper()}]
    (started,) = Client(continuedSessions=earlier).open()
    assert started.continues == (ORGANIZATION, CONVERSATION)


@pytest.mark.parametrize(
    ("position", "heard", "discard_to", "first_ms"),
    [
        ("PT8S", Heard(10_000, 12_000), "PT10S", 8_000),  # its buffer overlaps with what was heard
        ("PT11S", Heard(10_000, 12_000), None, 11_000),  # what is between was lost
        ("PT0S", Heard(10_000, 12_000), None, 12_000),  # its clock begins anew
        ("PT0S", Heard(10_000, 3_000), None, 10_000),  # as in a simulation that is faster than real time
        ("PT3S", None, None, 0),  # nothing is known of the earlier ones
    ],
)
def test_a_continued_session_goes_on_with_the_time_of_the_call(position, heard, discard_to, first_ms):
    client = Client(heard=heard)
    client.open(position)
    assert client.got[0]["parameters"].get("discardTo") == discard_to
    assert client.sound(160)[0].stream_ms == first_ms


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("PT0S", 0),
        ("PT1.25S", 1_250_000_000),
        ("PT.5S", 500_000_000),
        ("PT7.S", 7_000_000_000),
        ("PT0.0000001S", 100),
        ("PT0.30000000000000004S", 300_000_000),  # as JavaScript prints 0.1 + 0.2
        ("PT1M2S", 62_000_000_000),
        ("PT1H", 3_600_000_000_000),
        ("PT", None),
        ("PTS", None),
        ("PT-1S", None),
        ("1S", None),
        ("PT1e3S", None),
        ("P1D", None),
        ("PT" + "9" * 15 + "S", None),
        (1.5, None),
    ],
)
def test_durations(text, ns):
    if ns is None:
        with pytest.raises(Malformed):
            duration_ns(text)
    else:
        assert duration_ns(text) == ns


@given(st.integers(0, 86_399 * 10**9))
def test_a_duration_is_read_as_it_was_written(ns):
    assert duration_ns(duration(ns)) == ns


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=12), st.sampled_from(["PCMU", "L16"]))
@settings(max_examples=25, deadline=None)
def test_any_split_into_frames_gives_the_same_sound(sizes, form):
    width = 2 if form == "PCMU" else 4
    sound = np.random.default_rng(7).integers(0, 256, sum(sizes) * width, np.uint8).tobytes()

    def heard(frames):
        client, found = Client(media=[STEREO | {"format": form}]), {"customer": b"", "agent": b""}
        client.open()
        for frame in frames:
            for audio in client.take(client.hook.receive(frame)):
                assert audio.stream_ms == len(found[audio.party]) // 16
                found[audio.party] += audio.pcm
        return found

    ends = np.cumsum(sizes) * width
    assert heard([sound]) == heard([sound[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)])
