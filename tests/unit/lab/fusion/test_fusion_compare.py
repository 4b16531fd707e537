"""The comparison's figures by known cases: the bar, what counts as worse, correlations, shuffled quality."""

import numpy as np
import pytest

from affectstream.lab.fusion import experiment
from affectstream.lab.fusion.compare import Comparison, compare, spearman, with_trust
from affectstream.lab.fusion.failures import CONDITIONS, conditions
from affectstream.lab.fusion.simulate import WORLDS, World, simulated
from affectstream.models.fusion.evidence import Evidence, Pooled
from affectstream.models.fusion.pools import EntropyTrust, Uniform, linear_pool
from affectstream.models.fusion.rules import UNFITTED
from affectstream.models.fusion.trust import CARDS
from affectstream.schemas.messages import MODALITIES

CALLS = simulated(WORLDS[0], 400, seed=1)


class Follow:
    """A rule that repeats one modality."""

    def __init__(self, name: str, column: int) -> None:
        self.name, self.column = name, column

    def fuse(self, evidence: Evidence) -> Pooled:
        return linear_pool(evidence, np.tile(np.eye(3)[self.column], (len(evidence.p), 1)))


class ByQuality:
    """A rule that listens to the modality of the highest quality alone."""

    name = "by quality"

    def fuse(self, evidence: Evidence) -> Pooled:
        return linear_pool(evidence, np.eye(3)[evidence.quality.argmax(axis=1)])


def compared(rules, calls=CALLS, chosen=CONDITIONS[:1], draws=50) -> Comparison:
    return compare({rule.name: rule for rule in rules}, calls, chosen, draws)


def test_a_rule_that_repeats_the_best_modality_ties_with_it_and_one_that_repeats_the_worst_loses() -> None:
    found = compared([Follow("video", 0), Follow("audio", 1), Follow("text", 2)])
    bar = found.bars[0]
    assert bar.best == {"accuracy": "text", "nll": "text"}  # the most skilful of the world
    best, worst = found.of("text")[0], found.of("audio")[0]
    assert best.figures["accuracy"].value == bar.figures["accuracy"].value
    assert not best.worse("accuracy") and not best.worse("nll")
    assert worst.worse("accuracy", clear=True) and worst.worse("nll", clear=True)


def test_the_oracle_is_the_share_of_windows_in_which_anybody_is_right() -> None:
    e = CALLS.log.evidence
    anybody = (e.p.argmax(axis=2) == CALLS.log.labels[:, None]).any(axis=1).mean()
    bar = compared([Uniform()]).bars[0]
    assert bar.oracle == pytest.approx(anybody)
    assert bar.oracle >= bar.figures["accuracy"].value


def test_every_rule_meets_every_condition_that_the_calls_allow() -> None:
    found = compared(UNFITTED.values(), chosen=conditions(CALLS), draws=20)
    assert len(found.scores) == len(UNFITTED) * len(conditions(CALLS))
    assert found.rules == list(UNFITTED)
    for score in found.scores:
        assert 0 <= score.figures["accuracy"].low <= score.figures["accuracy"].high <= 1


def test_a_missing_modality_cannot_be_the_best() -> None:
    only_audio = [c for c in CONDITIONS if c.name == "only audio"]
    assert compared([Uniform()], chosen=only_audio).bars[0].best == {"accuracy": "audio", "nll": "audio"}


def test_weights_that_follow_the_quality_lose_by_shuffling_it() -> None:
    world = World("", failing=0.4, confident=True, telling=0.4)
    calls = simulated(world, 1500, seed=3)
    says = {s.rule: s for s in compared([ByQuality(), Uniform()], calls).weightings}
    assert says["by quality"].accuracy_lost > 0.1
    assert says["uniform"].accuracy_lost == says["uniform"].nll_gained == 0.0
    assert all(r < -0.1 for r in says["by quality"].weight_and_loss.values())
    assert all(np.isnan(r) for r in says["uniform"].weight_and_loss.values())


def test_spearman_is_of_ranks_and_says_so_where_nothing_varies() -> None:
    assert spearman(np.array([1.0, 2.0, 9.0]), np.array([3.0, 2.0, -50.0])) == pytest.approx(-1)
    assert np.isnan(spearman(np.ones(5), np.arange(5.0)))


def test_trust_is_that_of_a_party_that_sends_a_picture() -> None:
    usual = with_trust(CALLS.log.rows(np.array([0, 1]))).evidence.trust
    assert usual == pytest.approx(np.tile([CARDS[m] for m in MODALITIES], (2, 1)))


def test_the_criterion_takes_the_likelier_rule_and_the_simpler_of_equals() -> None:
    found = compared([EntropyTrust(), Uniform()])
    nll = {rule: experiment.mean_nll(found, rule) for rule in found.rules}
    assert experiment.chosen(found) == min(nll, key=lambda rule: nll[rule])
    twin = EntropyTrust("entropy_trust_after")  # says the same, and is the more complex
    assert experiment.chosen(compared([twin, EntropyTrust()])) == "entropy_trust"


def test_a_rule_that_is_clearly_below_a_single_modality_is_not_chosen_for_its_likelihood() -> None:
    found = compared([Follow("audio", 1), Uniform()])
    assert experiment.clearly_worse(found, "audio") == 1
    assert experiment.chosen(found) == "uniform"


def test_a_network_on_embeddings_is_never_the_default() -> None:
    found = compared([Follow("concat", 2), Follow("audio", 1)])  # the first is the better one
    assert experiment.mean_nll(found, "concat") < experiment.mean_nll(found, "audio")
    assert experiment.chosen(found) == "audio"
