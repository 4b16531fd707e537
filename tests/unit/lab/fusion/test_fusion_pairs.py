"""Pairs by label share their label and nothing else; the two parts share no group."""

import numpy as np
import pytest
from support.paired_logs import logs

from affectstream.lab.fusion.pairs import CAVEAT, LENGTH, MELD_SHARES, paired, pools_of, without_embeddings

LOGS = logs()
FIT, TEST = (paired(LOGS, part, per_actor=200) for part in ("fit", "test"))


def test_no_group_of_any_modality_is_in_both_parts() -> None:
    (fit_actors, fit), (test_actors, test) = pools_of(LOGS, "fit"), pools_of(LOGS, "test")
    assert not set(fit_actors) & set(test_actors)
    for a, b in zip(fit, test, strict=True):
        assert not set(a.log.groups) & set(b.log.groups)
        assert set(a.log.labels) == set(b.log.labels) == set(range(7))


def test_a_window_takes_items_of_its_own_label() -> None:
    """An item is known by its embedding, which no other item has."""
    _, pools = pools_of(LOGS, "test")
    e = TEST.log.evidence
    for m, pool in enumerate(pools):
        label = {tuple(x): y for x, y in zip(pool.log.embeddings[0].tolist(), pool.log.labels, strict=True)}
        drawn = [label[tuple(x)] for x in e.embeddings[m].tolist()]
        assert drawn == TEST.log.labels.tolist()


def test_a_window_takes_the_voice_of_its_actor() -> None:
    _, (_, voices, _) = pools_of(LOGS, "test")
    actor = {tuple(x): g for x, g in zip(voices.log.embeddings[0].tolist(), voices.log.groups, strict=True)}
    assert [actor[tuple(x)] for x in TEST.log.evidence.embeddings[1].tolist()] == TEST.log.groups.tolist()


def test_faces_and_texts_of_one_actor_are_no_other_actors() -> None:
    _, (faces, _, texts) = pools_of(LOGS, "test")
    for pool in (faces, texts):
        for group in np.unique(pool.log.groups):
            assert len(np.unique(pool.owner[pool.log.groups == group])) == 1


def test_another_persons_items_have_another_label_and_worse_ones_the_same() -> None:
    _, pools = pools_of(LOGS, "test")
    log = pools[0].log
    clean = {tuple(x): y for x, y in zip(log.embeddings[0].tolist(), log.labels, strict=True)}
    bad = {tuple(x): y for x, y in zip(log.embeddings[1].tolist(), log.labels, strict=True)}
    assert all(clean[tuple(x)] != y for x, y in _seen(TEST.other))
    assert all(bad[tuple(x)] == y for x, y in _seen(TEST.worse))


def test_emotions_last_and_are_as_frequent_as_asked() -> None:
    stays = (np.diff(TEST.log.labels) == 0)[np.diff(TEST.call) == 0].mean()
    assert 0.8 < stays < 0.97
    even = paired(LOGS, "test", "balanced", per_actor=600)
    assert np.bincount(even.log.labels, minlength=7) / len(even) == pytest.approx([1 / 7] * 7, abs=0.09)
    like = paired(LOGS, "test", per_actor=600)
    assert np.bincount(like.log.labels, minlength=7) / len(like) == pytest.approx(MELD_SHARES, abs=0.09)


def test_calls_follow_each_other_and_have_one_actor() -> None:
    assert (np.diff(TEST.call) >= 0).all()
    assert np.bincount(TEST.call).tolist() == [LENGTH] * (len(TEST) // LENGTH)
    for call in np.unique(TEST.call):
        assert len(np.unique(TEST.log.groups[TEST.call == call])) == 1


def test_the_same_seed_gives_the_same_windows_and_the_statement_says_how() -> None:
    again = paired(LOGS, "fit", per_actor=200)
    assert np.array_equal(again.log.evidence.p, FIT.log.evidence.p)
    assert CAVEAT in FIT.log.source
    assert "inflated" in CAVEAT


def test_embeddings_can_be_left_out() -> None:
    bare = without_embeddings(TEST)
    assert bare.log.evidence.embeddings == () == bare.worse.embeddings


def _seen(evidence):
    return zip(evidence.embeddings[0].tolist(), TEST.log.labels, strict=True)
