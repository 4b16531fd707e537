"""Which windows an observation counts in, and until when it is needed."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.schemas.messages import Abstention, EndOfStream, Reason
from affectstream.workers.fusion.window import ceil_ms, floor_ms, needed_until_ms, overlaps

SESSION = {"session_id": "s", "party": "customer", "seq": 0, "expects": ("text",)}


def interval(start_ms: int, end_ms: int, settled_ms: int | None = None) -> Abstention:
    settled = end_ms if settled_ms is None else settled_ms
    return Abstention(
        **SESSION,
        modality="text",
        start_ms=start_ms,
        end_ms=end_ms,
        settled_ms=settled,
        reason=Reason.SILENCE,
    )


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
        pytest.param(500, 500, [(0, 1)], id="a: an instant"),
        pytest.param(1000, 1000, [(1000, 1)], id="b: an instant on a boundary"),
        pytest.param(200, 1000, [(0, 800)], id="c: up to a boundary"),
        pytest.param(500, 1400, [(0, 500), (1000, 400)], id="d: across one boundary"),
        pytest.param(1000, 2000, [(1000, 1000)], id="e: a whole window"),
        pytest.param(800, 2400, [(0, 200), (1000, 1000), (2000, 400)], id="f: across two"),
        pytest.param(1999, 1999, [(1000, 1)], id="g: the last millisecond"),
    ],
)
def test_an_observation_counts_in_every_window_it_overlaps(start_ms, end_ms, expected):
    assert list(overlaps(interval(start_ms, end_ms), 1000)) == expected


@given(start=st.integers(0, 10**13), length=st.integers(0, 50_000), window=st.integers(100, 10_000))
def test_overlaps_tile_the_interval(start, length, window):
    parts = list(overlaps(interval(start, start + length), window))
    assert sum(part for _, part in parts) == max(1, length)
    assert all(left % window == 0 and 0 < part <= window for left, part in parts)
    assert [b - a for (a, _), (b, _) in pairwise(parts)] == [window] * (len(parts) - 1)


@given(time=st.integers(0, 10**13), window=st.integers(1, 10**6))
def test_floor_and_ceil_enclose_a_time(time, window):
    assert floor_ms(time, window) <= time <= ceil_ms(time, window)
    assert ceil_ms(time, window) - floor_ms(time, window) in (0, window)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "settled_ms", "expected"),
    [
        pytest.param(999, 999, 1000, 1000, id="a frame: until its window is written"),
        pytest.param(1000, 3000, 2000, 3000, id="a chunk: until its last window is"),
        pytest.param(0, 400, 5500, 5000, id="a watermark far ahead: until the window before it is"),
        pytest.param(0, 5000, 5000, 5000, id="an interval"),
    ],
)
def test_an_observation_is_needed_for_its_windows_and_its_watermark(start_ms, end_ms, settled_ms, expected):
    assert needed_until_ms(interval(start_ms, end_ms, settled_ms), 1000) == expected


def test_an_end_of_stream_is_needed_until_the_party_is_closed():
    end = EndOfStream(**SESSION, modality="text", start_ms=9, end_ms=9, settled_ms=9)
    assert needed_until_ms(end, 1000) == math.inf
