"""Utterances from probabilities: where they begin, end and are cut, and that restarts change nothing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.models.asr.segments import (
    AFTER_MS,
    BEFORE_MS,
    CHAIN_MS,
    CUT_MS,
    LONGEST_MS,
    PAUSE_MS,
    SHORTEST_MS,
    Frame,
    Segmenter,
    Span,
)

STEP_MS = 100
ZERO_MS = 5 * CHAIN_MS
P = {".": 0.1, "~": 0.25, "s": 0.9}  # silence, less than enough to begin, speech


def frames(drawn, start_ms=ZERO_MS):
    return [
        Frame(start_ms + n * STEP_MS, start_ms + (n + 1) * STEP_MS, P[each]) for n, each in enumerate(drawn)
    ]


def spans(found, segmenter=None):
    segmenter = segmenter or Segmenter()
    ended = [segmenter.push(frame) for frame in found]
    return [span for span in [*ended, segmenter.finish()] if span]


def relative(found):
    return [(span.start_ms - ZERO_MS, span.end_ms - ZERO_MS) for span in found]


CASES = {  # a frame is 100 ms
    "nothing": ("..........", []),
    "one": ("..sss.......", [(200, 500)]),
    "a short pause is part of it": (".ss....ss......", [(100, 900)]),
    "a pause ends it": (".ss......ss......", [(100, 300), (900, 1100)]),
    "faint speech begins nothing": ("~~~~~~", []),
    "faint speech goes on": (".s~~~......", [(100, 500)]),
    "a click": (".s......", []),
    "open at the end": ("...ssss", [(300, 700)]),
}


@pytest.mark.parametrize("name", CASES)
def test_utterances_lie_where_somebody_speaks(name):
    drawn, expected = CASES[name]
    assert relative(spans(frames(drawn))) == expected


def test_a_long_utterance_is_cut_where_speech_is_least_likely():
    long = "s" * 90 + "~" + "s" * 40
    assert relative(spans(frames(long))) == [(0, 9_000), (9_000, 13_100)]


def test_speech_without_a_pause_is_cut_at_every_half_minute_of_the_epoch():
    found = spans(frames("s" * 700))
    assert {CHAIN_MS} <= {end for _, end in relative(found)}
    assert all(span.end_ms - span.start_ms <= LONGEST_MS for span in found)


DRAWN = st.lists(st.sampled_from("...~sss"), min_size=1, max_size=500).map("".join)


@given(DRAWN)
def test_spans_are_in_order_apart_and_neither_too_long_nor_too_short(drawn):
    found = spans(frames(drawn))
    for a, b in pairwise(found):
        assert a.end_ms <= b.start_ms
    assert all(0 < span.end_ms - span.start_ms <= LONGEST_MS for span in found)


@given(DRAWN, st.integers(0, 499))
def test_who_begins_to_read_in_a_pause_finds_the_same(drawn, at):
    whole, beginning = frames(drawn), Segmenter()
    read = [beginning.push(frame) for frame in whole[:at]]
    if beginning.open_ms is not None:
        return
    rest = spans(whole[at:])
    assert [span for span in read if span] + rest == spans(whole)


@given(DRAWN, DRAWN, st.integers(0, 300))
def test_who_begins_in_the_middle_finds_the_same_after_the_next_pause(before, after, at):
    pause = "." * (PAUSE_MS // STEP_MS + 1)
    whole = frames(before + pause + after)
    paused_ms = ZERO_MS + len(before + pause) * STEP_MS
    expected = [span for span in spans(whole) if span.start_ms >= paused_ms]
    found = [span for span in spans(whole[min(at, len(before)) :]) if span.start_ms >= paused_ms]
    assert found == expected


def test_the_shortest_utterance_is_a_word():
    assert spans(frames("ss", ZERO_MS + STEP_MS)) == [
        Span(ZERO_MS + STEP_MS, ZERO_MS + STEP_MS + SHORTEST_MS)
    ]


def test_less_is_heard_before_an_utterance_that_follows_a_cut():
    first, second = spans(frames("." + "s" * 90 + "~" + "s" * 40))
    assert first.heard_ms == (first.start_ms - BEFORE_MS, first.end_ms + AFTER_MS)
    assert second.heard_ms == (second.start_ms - CUT_MS, second.end_ms + AFTER_MS)


def test_what_begins_at_half_a_minute_of_the_epoch_follows_a_cut_whoever_begins_to_read_there():
    speech = frames("s" * 60, ZERO_MS + CHAIN_MS - 30 * STEP_MS)
    (first, second), (alone,) = spans(speech), spans(speech[30:])
    assert second == alone
    assert (first.follows_cut, second.follows_cut) == (False, True)
