"""What a timeline shows of a party: notes that do not overlap, and means that keep gaps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.session_lines import labelled, split, spread, tenths

from affectstream.analytics.alerts import alerts
from affectstream.analytics.rules import Rule
from affectstream.timeline import LANES, Note, lanes, notes_of, smoothed

ANGRY = Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=3, hysteresis=0.2)
TIMES = st.floats(0, 100, allow_nan=False)
NOTES = st.lists(
    st.builds(lambda a, b, n: Note(min(a, b), max(a, b), "x" * n, "#000"), TIMES, TIMES, st.integers(1, 60))
)


def test_alerts_contradictions_and_turning_points_become_notes_in_words() -> None:
    finals = tenths("1" * 10 + "9" * 10 + "1" * 5)
    (note, *turns) = notes_of(finals, finals, alerts([ANGRY], finals), origin_ms=0)
    assert (note.start_s, note.end_s) == (10.0, 20.0)
    assert note.text == "ALERT angry 0.90 of 0.60"
    assert all(turn.start_s == turn.end_s for turn in turns)
    finals = split("9999")
    (contradiction,) = notes_of(finals, finals, (), origin_ms=0)
    assert contradiction.text == "words neutral, voice angry"


def test_an_alert_without_an_end_goes_on_to_the_end_of_the_call() -> None:
    finals = tenths("99999")
    (note,) = notes_of(finals, finals, alerts([ANGRY], finals), origin_ms=0)
    assert note.end_s == 5.0


@given(NOTES)
def test_notes_of_a_lane_do_not_overlap_and_none_is_lost(notes: list[Note]) -> None:
    placed = lanes(notes, 100.0)
    assert len(placed) <= LANES
    assert sorted(n.start_s for lane in placed for n in lane) == sorted(n.start_s for n in notes)
    for lane in placed:
        spans = sorted(note.takes(100.0) for note in lane if note.text)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_a_text_ends_with_the_call_at_the_latest() -> None:
    note = Note(99.0, 99.0, "angry to neutral", "#000")
    assert note.text_s(100.0) < 99.0
    assert Note(10.0, 10.0, "angry to neutral", "#000").text_s(100.0) == 10.0


def test_a_smoothed_course_is_a_mean_around_each_window_and_keeps_gaps() -> None:
    finals = labelled("nnnnn.aaaaa..........a")
    found = smoothed([f.p for f in finals], np.arange(len(finals)) + 0.5, 5.0)
    assert np.nanmax(np.abs(np.nansum(found, axis=1)[:8] - 1.0)) < 1e-9
    np.testing.assert_allclose(found[2], spread("neutral", 0.8))
    assert found[5, 0] == pytest.approx(np.mean([0.8, 0.8, 0.2 / 6, 0.2 / 6]))
    assert np.isnan(found[15]).all()
    assert not np.isnan(found[21]).any()
