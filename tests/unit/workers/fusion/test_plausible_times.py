"""Event times held against their neighbours and their arrival before they move a watermark."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.joining import Driven, fusion
from support.observations import ended, observed

from affectstream.schemas.codec import encode
from affectstream.schemas.messages import FusedEmotion
from affectstream.schemas.observations import record
from affectstream.workers.fusion.admission import Refused
from affectstream.workers.fusion.modality import LEAP_MS
from affectstream.workers.fusion.plausible import KEPT_BY

MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def said(seq, start_ms, **changes):
    """An utterance of a second, by a party that sends nothing else."""
    times = {"watermark_ms": start_ms + 1000, "expects": ("text",)}
    return observed("text", seq, start_ms, start_ms + 1000, **(times | changes))


def call(seconds, start_ms=0):
    end = ended("text", seconds, start_ms + 1000 * seconds, expects=("text",))
    return [*(said(seq, start_ms + 1000 * seq) for seq in range(seconds)), end]


def outcome(items):
    """Return the finals as bytes, and reasons and numbers of what did not count."""
    join, finals, refused = Driven(fusion()), [], []
    for item in items:
        for output in join.push(item):
            if isinstance(output, Refused):
                refused.append((output.reason, output.item.seq))
            elif isinstance(output, FusedEmotion) and output.pane == "final":
                finals.append(encode(output))
    return finals, refused


# ...|---------|---------|---------|        ...        |
#    [t.......][t.......][t.......]                    [t       dated an hour ahead, between its neighbours
@given(
    seconds=st.integers(2, 12),
    place=st.data(),
    ahead_ms=st.integers(2 * LEAP_MS, 400 * 24 * HOUR_MS),
    wrong=st.integers(1, KEPT_BY),
    long_promise=st.booleans(),
)
def test_messages_of_a_wrong_clock_change_no_byte_of_the_call(seconds, place, ahead_ms, wrong, long_promise):
    sound = call(seconds)
    at = place.draw(st.integers(1, seconds - 1))
    start_ms = 1000 * at if long_promise else ahead_ms
    odd = [said(1000 + n, start_ms + n, watermark_ms=ahead_ms + 1000 * n + 1000) for n in range(wrong)]
    finals, refused = outcome([*sound[:at], *odd, *sound[at:]])
    assert finals == outcome(sound)[0]
    assert sorted(refused) == [("implausible", item.seq) for item in odd]


@given(gap_ms=st.integers(0, 3 * HOUR_MS), before=st.integers(1, 5), after=st.integers(0, 8))
def test_a_real_pause_loses_nothing_however_long_and_however_little_follows(gap_ms, before, after):
    items = [said(seq, 1000 * seq) for seq in range(before)]
    resumed_ms = 1000 * before + gap_ms // 1000 * 1000
    items += [said(before + n, resumed_ms + 1000 * n) for n in range(after)]
    end_ms = resumed_ms + 1000 * after
    finals, refused = outcome([*items, ended("text", before + after, end_ms, expects=("text",))])
    assert refused == []
    held = [window for window in map(_decoded, finals) if window.p]
    assert [window.start_ms for window in held] == [item.start_ms for item in items]


def _decoded(packed):
    from affectstream.schemas.codec import decode

    return decode(packed, 1 << 20)


def test_what_is_held_is_read_again_after_a_crash():
    join = Driven(fusion())
    for item in call(3)[:3]:
        join.push(item)
    join.push(said(3, 2 * HOUR_MS))
    assert join.join.needed_from() == 3


def test_what_is_held_counts_once_its_stream_falls_silent():
    join = Driven(fusion())
    for item in call(3)[:3]:
        join.push(item)
    assert join.push(said(3, 2 * HOUR_MS)) == []
    join.tick(0, lambda _: False)
    panes = [o for o in join.tick(20_000, lambda _: False) if isinstance(o, FusedEmotion)]
    assert panes[-1].start_ms == 2 * HOUR_MS


def test_an_end_that_comes_before_what_is_held_shows_that_it_was_wrong():
    sound = call(3)
    assert outcome([*sound[:3], said(9, 2 * HOUR_MS), sound[3]]) == (outcome(sound)[0], [("implausible", 9)])


@pytest.mark.parametrize("first", [True, False], ids=["the first of its party", "a later one"])
def test_what_lies_days_beyond_its_arrival_is_refused(first):
    join, latest_ms = Driven(fusion()).join, 10 * HOUR_MS
    if not first:
        join.add(0, [record(said(0, 0))], latest_ms)
    for seq in range(1, 9):  # however many
        join.add(seq, [record(said(seq, latest_ms + 1000 * seq))], latest_ms)
    join.add(9, [record(said(9, 1000))], latest_ms)
    effects = join.take_effects()
    assert [(each.reason, each.item.seq) for each in effects.refused] == [
        ("implausible", n) for n in range(1, 9)
    ]
    assert effects.finals[-1].start_ms == 1000


def test_an_end_of_stream_beyond_its_arrival_ends_the_stream_where_it_was():
    join = Driven(fusion()).join
    join.add(0, [record(item) for item in call(2)[:2]], HOUR_MS)
    join.add(1, [record(ended("text", 2, 99_000_000, expects=("text",)))], HOUR_MS)
    effects = join.take_effects()
    assert [window.start_ms for window in effects.finals] == [0, 1000]
    assert effects.closed == [("call", "customer")]


# A number that was passed is a duplicate; a higher one with an earlier time is late, as is a second number 0.
def test_duplicates_are_told_by_number_and_what_is_late_by_time():
    items = [said(seq, 10_000 + 1000 * seq) for seq in range(4)]
    twice = [items[1], items[3]]
    backwards = said(4, 2000)
    restarted = [said(0, 5000), said(1, 6000)]
    assert outcome([*items, *twice])[1] == []
    assert outcome([*items, backwards])[1] == [("late", 4)]
    assert outcome([*items, *restarted])[1] == [("late", 0), ("late", 1)]
    over = [*items, ended("text", 4, 14_000, expects=("text",))]
    assert outcome([*over, *twice, *over])[1] == []
    assert outcome([*over, backwards, *restarted])[1] == [("late", 4), ("late", 0), ("late", 1)]


def test_a_modality_without_a_neighbour_is_believed():
    assert outcome(call(2, start_ms=math.floor(1.7e12)))[1] == []
