"""What each failure changes, and what it leaves alone."""

import numpy as np
import pytest
from support.paired_logs import logs

from affectstream.lab.fusion import failures
from affectstream.lab.fusion.failures import CONDITIONS, HELD, HIT, LATE, conditions, corrupted
from affectstream.lab.fusion.pairs import paired
from affectstream.lab.fusion.simulate import WORLDS, simulated
from affectstream.lab.fusion.windows import Calls

CALLS = paired(logs(), "test", per_actor=200)
P = CALLS.log.evidence.p


def make(name: str, calls: Calls = CALLS):
    (condition,) = [c for c in CONDITIONS if c.name == name]
    return condition.make(calls, np.random.default_rng(0))


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: c.name)
def test_labels_keep_and_what_is_said_stays_a_distribution(condition) -> None:
    log = condition.make(CALLS, np.random.default_rng(0))
    assert np.array_equal(log.labels, CALLS.log.labels)
    assert np.array_equal(log.groups, CALLS.log.groups)
    assert log.evidence.p.sum(axis=2) == pytest.approx(np.ones(P.shape[:2]))
    assert log.evidence.present.any(axis=1).all()
    assert [x.shape for x in log.evidence.embeddings] == [x.shape for x in CALLS.log.evidence.embeddings]


def test_every_subset_of_modalities_is_a_condition() -> None:
    kept = {tuple(make(c.name).evidence.present.all(axis=0)) for c in CONDITIONS if c.name.startswith("only")}
    assert len(kept) == 6
    assert (True, True, True) not in kept and (False, False, False) not in kept


def test_quiet_inputs_are_near_uniform_and_others_untouched() -> None:
    e = make("quiet failure").evidence
    hit = (e.p != P).any(axis=2)
    assert hit.mean() == pytest.approx(HIT, abs=0.03)
    assert e.p[hit].max() < 0.4
    assert np.array_equal(e.quality, CALLS.log.evidence.quality)


def test_confident_inputs_are_wrong_and_differently_sure() -> None:
    e = make("confident failure").evidence
    hit = (e.p != P).any(axis=2)
    said = e.p.argmax(axis=2)
    truth = np.repeat(CALLS.log.labels[:, None], 3, axis=1)
    assert (said != truth)[hit].all()
    low, high = failures.SURE
    assert low <= e.p.max(axis=2)[hit].min() and e.p.max(axis=2)[hit].max() <= high
    assert len(np.unique(e.p.max(axis=2)[hit])) == hit.sum()
    assert np.array_equal(e.quality, CALLS.log.evidence.quality)


def test_a_seen_failure_has_the_quality_of_the_degraded_input() -> None:
    e = make("confident, seen").evidence
    hit = (e.p != P).any(axis=2)
    assert np.array_equal(e.quality[hit], np.minimum(CALLS.worse.quality, CALLS.log.evidence.quality)[hit])


def test_bad_video_is_what_was_recorded_and_nothing_else() -> None:
    e = make("bad video").evidence
    assert np.array_equal(e.p[:, 0], CALLS.worse.p[:, 0])
    assert np.array_equal(e.p[:, 1:], P[:, 1:])


def test_a_swapped_person_speaks_in_one_modality_of_each_call() -> None:
    e = make("swapped person").evidence
    other = (e.embeddings[0] == CALLS.other.embeddings[0]).all(axis=1)
    for call in np.unique(CALLS.call):
        assert other[CALLS.call == call].all() == (call % 3 == 0)


def test_a_frozen_value_repeats_the_earlier_window_of_the_same_call() -> None:
    """One call of 6 with HELD 20: the first window's video six times, the others as they were."""
    log = make("frozen")
    for call in (0, 3):
        rows = np.flatnonzero(call == CALLS.call)
        frozen = log.evidence.p[rows, 0]
        for i in range(len(rows)):
            assert np.array_equal(frozen[i], P[rows[i - i % HELD], 0])
    assert np.array_equal(log.evidence.p[:, 1][CALLS.call % 3 != 1], P[:, 1][CALLS.call % 3 != 1])


def test_a_delayed_modality_says_what_it_should_have_said_before_and_first_nothing() -> None:
    log = make("delayed")
    rows = np.flatnonzero(CALLS.call == 3)
    assert not log.evidence.present[rows[:LATE], 0].any()
    assert np.array_equal(log.evidence.p[rows[LATE:], 0], P[rows[:-LATE], 0])
    assert log.evidence.present[rows[LATE:]].all()


def test_what_to_fit_on_holds_the_clean_windows_and_as_many_corrupted() -> None:
    log = corrupted(CALLS, np.random.default_rng(0))
    n = len(CALLS)
    assert np.array_equal(log.evidence.p[:n], P)
    assert np.array_equal(log.labels[n:], CALLS.log.labels)
    changed = (log.evidence.p[n:] != P).any(axis=2) | ~log.evidence.present[n:]
    assert changed.mean() == pytest.approx(failures.TAUGHT, abs=0.03)
    assert log.evidence.present.any(axis=1).all()


def test_conditions_that_need_more_than_there_is_are_left_out() -> None:
    calls = simulated(WORLDS[0], 300, seed=0)
    names = [c.name for c in conditions(calls)]
    assert names[0] == "clean" and "swapped person" in names
    assert "bad video" not in names and "confident, seen" not in names
