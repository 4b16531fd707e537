"""Timelines in buckets: what each holds, and how many there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.session_lines import window

from affectstream.analytics.label import Display
from affectstream.dashboards.buckets import Bucket, buckets, length_ms
from affectstream.dashboards.columns import Columns
from affectstream.schemas.codec import encode
from affectstream.schemas.labels import EMOTIONS

HAPPY = (0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1)
SAD = (0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1)


def rows(*finals: tuple[float, ...] | None):
    columns = Columns(Display())
    columns.append([(1000 * (i + 1), encode(window(i, p))) for i, p in enumerate(finals)])
    return columns.rows


# windows of 1 s    happy  -     sad   sad | -    -   | happy
# buckets of 4 s    0                      | 4        | 8
def test_a_bucket_holds_means_extremes_and_shares_of_its_windows():
    first, second = buckets(rows(HAPPY, None, SAD, SAD, None, None), 4000)
    Bucket.model_validate(first)
    assert (first["start_ms"], first["end_ms"], first["windows"], first["known"]) == (0, 4000, 4, 3)
    assert (first["sad"], first["sad_min"], first["sad_max"]) == (0.3, 0.1, 0.4)
    assert (first["shown"], first["shown_sad"], first["shown_happy"], first["shown_none"]) == (
        "sad",
        0.5,
        0.25,
        0.25,
    )
    assert (second["windows"], second["known"], second["happy"], second["shown"]) == (2, 0, None, None)
    assert second["shown_none"] == 1.0


@pytest.mark.parametrize(
    ("span_ms", "points", "length"),
    [
        (0, 2, 1000),
        (60_000, 300, 1000),
        (21_600_000, 300, 90_000),
        (21_600_000, 2000, 15_000),
        (90 * 86_400_000, 300, 8 * 3_600_000),
    ],
)
def test_the_length_of_buckets_is_one_that_clocks_have(span_ms: int, points: int, length: int):
    assert length_ms(span_ms, points) == length


@given(st.lists(st.sampled_from([HAPPY, SAD, None]), min_size=1, max_size=200), st.integers(2, 50))
def test_there_are_no_more_buckets_than_asked_for_and_every_window_is_in_one(finals, points):
    columns = rows(*finals)
    found = buckets(columns, length_ms(len(finals) * 1000, points))
    assert len(found) <= points
    assert sum(bucket["windows"] for bucket in found) == len(finals)
    for bucket in found:
        shares = [bucket[f"shown_{name}"] for name in (*EMOTIONS, "none")]
        assert sum(shares) == pytest.approx(1.0, abs=1e-3)
        for name in EMOTIONS:
            if bucket["known"]:
                assert bucket[f"{name}_min"] <= bucket[name] <= bucket[f"{name}_max"]
