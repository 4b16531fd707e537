"""The chart of a party's course, from buckets."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from affectstream.analytics.records import clock
from affectstream.dashboards.page import course
from affectstream.dashboards.page.course import Mark
from affectstream.schemas.labels import COLOURS, EMOTIONS

STEP_MS = 1_000


def bucket(start_s: int, shown: str | None = "angry", **more: Any) -> dict[str, Any]:
    """One bucket with evidence of the voice."""
    p = {f"relative_{name}": float(name == (shown or "neutral")) for name in EMOTIONS}
    return {
        "start_ms": start_s * 1000,
        "shown": shown,
        "audio_status": "present",
        "audio_weight": 1.0,
        **p,
        **more,
    }


def drawn(*buckets: dict[str, Any], marks: tuple[Mark, ...] = ()) -> dict[str, Any]:
    """The options of the chart."""
    return course.options(buckets, STEP_MS, 0, marks)


def named(options: dict[str, Any], name: str) -> dict[str, Any]:
    """The series of a name."""
    return next(series for series in options["series"] if series["name"] == name)


def test_each_emotion_has_its_colour_and_its_probabilities() -> None:
    options = drawn(bucket(0, "angry"), bucket(1, "sad"))
    for name in EMOTIONS:
        assert named(options, name)["itemStyle"]["color"] == COLOURS[name]
    assert named(options, "angry")["data"] == [1.0, 0.0]
    assert named(options, "sad")["data"] == [0.0, 1.0]


def test_the_strip_shows_what_is_displayed_and_leaves_unsure_grey() -> None:
    strip = named(drawn(bucket(0, "happy"), bucket(1, None)), "displayed")["data"]
    assert [cell["name"] for cell in strip] == ["happy", "unsure"]
    assert strip[0]["itemStyle"]["color"] == COLOURS["happy"]
    assert strip[1]["itemStyle"]["color"] == course.NOTHING


def test_time_without_windows_is_a_gap() -> None:
    # 0 s  1 s  2 s  3 s
    #  x    .    .    x
    options = drawn(bucket(0), bucket(3))
    assert options["xAxis"][0]["data"] == ["0:00", "0:01", "0:02", "0:03"]
    assert named(options, "angry")["data"] == [1.0, None, None, 1.0]


def test_a_modality_has_a_lane_only_where_it_is_part_of_the_call() -> None:
    absent = bucket(1, video_status="no_face", video_weight=0.0)
    names = {series["name"] for series in drawn(bucket(0), absent)["series"]}
    assert {"weight of voice", "weight of face"} <= names and "weight of words" not in names
    assert named(drawn(bucket(0), absent), "face absent")["data"] == [0, 1]


def test_alerts_are_named_areas_and_turns_are_lines() -> None:
    marks = (Mark("alert", 0, 2_000, "angry"), Mark("turning point", 1_000, 1_000, "sad to angry"))
    events = named(drawn(bucket(0), bucket(1), bucket(2), marks=marks), "events")
    (area,) = events["markArea"]["data"]
    assert (area[0]["name"], area[0]["xAxis"], area[1]["xAxis"]) == ("alert", 0, 2)
    assert [line["xAxis"] for line in events["markLine"]["data"]] == [1]


def test_the_chart_says_in_words_what_it_shows() -> None:
    assert course.described([]) == "No window has evidence of which an emotion is displayed yet."
    text = course.described([bucket(0, "angry"), bucket(1, "angry"), bucket(2, "sad"), bucket(3, None)])
    assert text == "Displayed most: angry 50 %, sad 25 % of the time; newest: unsure."


def test_clocks_have_hours_where_there_are_any() -> None:
    assert [clock(ms) for ms in (0, 59_999, 61_000, 3_661_000)] == ["0:00", "0:59", "1:01", "1:01:01"]


@given(st.lists(st.integers(0, 50), max_size=20, unique=True))
def test_buckets_with_gaps_are_evenly_spaced_and_keep_all_that_were_there(starts: list[int]) -> None:
    rows = course.with_gaps([bucket(start) for start in sorted(starts)], STEP_MS)
    times = [row["start_ms"] for row in rows]
    assert times == list(range(min(starts, default=0) * 1000, max(starts, default=-1) * 1000 + 1, STEP_MS))
    assert [row["start_ms"] // 1000 for row in rows if "shown" in row] == sorted(starts)
