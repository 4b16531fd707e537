"""Shapley values by their axioms, leave-one-out by hand, and what one window would have been without."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from affectstream.lab.fusion.explain import coalitions, importances, left_out, shapley
from affectstream.lab.fusion.windows import Log
from affectstream.models.fusion.evidence import Evidence
from affectstream.models.fusion.pools import Uniform

games = arrays(np.float64, (8, 3), elements=st.floats(-5, 5))


@given(games)
def test_the_values_sum_to_what_all_reach_beyond_none(game: np.ndarray) -> None:
    assert shapley(game).sum(axis=1) == pytest.approx(game[7] - game[0], abs=1e-9)


@given(games)
def test_a_dummy_gets_nothing(game: np.ndarray) -> None:
    game[4:] = game[:4]  # the third player changes nothing
    assert shapley(game)[:, 2] == pytest.approx(np.zeros(3), abs=1e-12)


@given(games)
def test_equal_players_share_equally(game: np.ndarray) -> None:
    game[2], game[6] = game[1], game[5]  # the first two are worth the same in any effective_modalities
    worth = shapley(game)
    assert worth[:, 0] == pytest.approx(worth[:, 1], abs=1e-9)


def test_a_game_worked_by_hand() -> None:
    """Only the first two together win: half each, and nothing for the third."""
    wins = np.array([[0.0], [0.0], [0.0], [1.0], [0.0], [0.0], [0.0], [1.0]])
    assert shapley(wins)[0] == pytest.approx([0.5, 0.5, 0.0])


def _log(rows: list[list[int]], labels: list[int], groups: str) -> Log:
    sure = (0.9, 0.6, 0.3)
    p = np.array([[np.eye(7)[k] * w + (1 - w) / 7 for k, w in zip(row, sure, strict=True)] for row in rows])
    shape = p.shape[:2]
    evidence = Evidence(p, np.ones(shape, bool), np.ones(shape), np.ones(shape))
    return Log(evidence, np.array(labels), np.array(list(groups)), "by hand")


LOG = _log([[1, 2, 2], [3, 3, 0], [4, 1, 1], [5, 5, 5]], [1, 3, 1, 5], "aabb")


def test_the_games_ends_are_chance_and_the_rule_itself() -> None:
    values = coalitions(Uniform(), LOG, "accuracy")
    said = Uniform().fuse(LOG.evidence).p.argmax(axis=1)
    assert values[0] == pytest.approx([1 / 7] * 4)
    assert values[7].tolist() == (said == LOG.labels).astype(float).tolist()
    assert values[1].tolist() == [1, 1, 0, 1]  # video alone is wrong about the third window only
    nll = coalitions(Uniform(), LOG, "nll")
    assert nll[0] == pytest.approx([-np.log(7)] * 4)


def test_importances_are_means_with_intervals_around_them() -> None:
    found = importances(Uniform(), LOG, "accuracy", draws=100)
    video = found[0]
    assert [each.modality for each in found] == ["video", "audio", "text"]
    assert sum(each.shapley.value for each in found) == pytest.approx(
        coalitions(Uniform(), LOG, "accuracy")[7].mean() - 1 / 7
    )
    assert video.alone.value == pytest.approx(0.75 - 1 / 7)
    for each in found:
        for interval in (each.left_out, each.shapley, each.alone):
            assert interval.low <= interval.value <= interval.high


def test_a_window_without_a_modality_is_the_rule_on_the_rest() -> None:
    one = LOG.rows(np.array([2]))
    there = one.evidence.present.copy()
    there[0, 1] = False
    evidence = Evidence(one.evidence.p, there, one.evidence.quality, one.evidence.trust)
    found = {each.modality: each.pooled.p[0].argmax() for each in left_out(Uniform(), evidence)}
    assert found == {"video": 1, "text": 4}
