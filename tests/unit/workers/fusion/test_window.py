"""Which windows an observation counts in, and until when it is needed."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.schemas.messages import Abstention, EndOfStream, Reason
from affectstream.schemas.observations import record
from affectstream.workers.fusion.party import PartyJoin
from affectstream.workers.fusion.window import ResumePoint, ceil_ms, floor_ms, needed_until_ms

SESSION = {"session_id": "s", "party": "customer", "seq": 0, "expects": ("text",)}


def interval(start_ms, end_ms, watermark_ms=None):
    settled = end_ms if watermark_ms is None else watermark_ms
    item = Abstention(
        **SESSION,
        modality="text",
        start_ms=start_ms,
        end_ms=end_ms,
        watermark_ms=settled,
        reason=Reason.SILENCE,
    )
    return record(item)


def windows(item, window_ms=1000):
    """Return the starts of the windows that hold ``item`` once its party is flushed."""
    party = PartyJoin(("s", "customer"), window_ms, ResumePoint())
    party.weigh(item, 0, math.inf)  # the first of its party
    return [closed.start_ms for closed in party.flush() if closed.window is not None]


# 0         1000      2000      3000
# |---------|---------|---------|
#      a
#           b                      an instant on a boundary opens the window
#   [---c---]
#      [---d----]
#           [-e-------]
#         [----f----------]
#                     g            an empty interval is an instant
@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        pytest.param(500, 500, [0], id="a: an instant"),
        pytest.param(1000, 1000, [1000], id="b: an instant on a boundary"),
        pytest.param(200, 1000, [0], id="c: up to a boundary"),
        pytest.param(500, 1400, [0, 1000], id="d: across one boundary"),
        pytest.param(1000, 2000, [1000], id="e: a whole window"),
        pytest.param(800, 2400, [0, 1000, 2000], id="f: across two"),
        pytest.param(1999, 1999, [1000], id="g: the last millisecond"),
    ],
)
def test_an_observation_counts_in_every_window_it_overlaps(start_ms, end_ms, expected):
    assert windows(interval(start_ms, end_ms)) == expected


@given(start=st.integers(0, 10**13), length=st.integers(0, 50_000), window_ms=st.integers(100, 10_000))
def test_the_windows_of_an_interval_cover_it_without_a_hole(start, length, window_ms):
    found = windows(interval(start, start + length), window_ms)
    assert found[0] <= start < found[0] + window_ms
    assert found[-1] < start + max(length, 1) <= found[-1] + window_ms
    assert [b - a for a, b in pairwise(found)] == [window_ms] * (len(found) - 1)


@given(time=st.integers(0, 10**13), window=st.integers(1, 10**6))
def test_floor_and_ceil_enclose_a_time(time, window):
    assert floor_ms(time, window) <= time <= ceil_ms(time, window)
    assert ceil_ms(time, window) - floor_ms(time, window) in (0, window)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "watermark_ms", "expected"),
    [
        pytest.param(999, 999, 1000, 1000, id="a frame: until its window is written"),
        pytest.param(1000, 3000, 2000, 3000, id="a chunk: until its last window is"),
        pytest.param(0, 400, 5500, 5000, id="a watermark far ahead: until the window before it is"),
        pytest.param(0, 5000, 5000, 5000, id="an interval"),
    ],
)
def test_an_observation_is_needed_for_its_windows_and_its_watermark(start_ms, end_ms, watermark_ms, expected):
    assert needed_until_ms(interval(start_ms, end_ms, watermark_ms), 1000) == expected


@pytest.mark.parametrize(
    ("stream", "end_ms", "passed"),
    [
        pytest.param("ended", 9, True, id="a final states it"),
        pytest.param("ended", 2000, False, id="a later one: the session goes on"),
        pytest.param("open", 9, False, id="no final states it yet"),
    ],
)
def test_an_end_of_stream_has_passed_once_a_final_states_it(stream, end_ms, passed):
    end = EndOfStream(**SESSION, modality="text", start_ms=end_ms, end_ms=end_ms, watermark_ms=end_ms)
    point = ResumePoint(1000, 1000, streams={"text": stream})
    assert point.verdict(record(end), 1000) == ("duplicate" if passed else "new")
