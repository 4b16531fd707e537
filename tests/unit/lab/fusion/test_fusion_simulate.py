"""Simulated experts are what their world says: calibrated, heated, dependent, failing."""

import numpy as np
import pytest

from affectstream.lab.fusion.compare import losses
from affectstream.lab.fusion.simulate import PRIOR, WORLDS, World, bayes, simulated
from affectstream.lab.statistics import ece
from affectstream.models.fusion.pools import Product

BY_NAME = {world.name: world for world in WORLDS}
N = 6000


def test_experts_are_calibrated_unless_heated() -> None:
    calm, hot = (simulated(World("", heat=(1.0, h, 1.0)), N, 0).log for h in (1.0, 2.5))
    for m in range(3):
        assert ece(calm.evidence.p[:, m], calm.labels) < 0.04
    assert ece(hot.evidence.p[:, 1], hot.labels) > 0.1


def test_bayes_is_better_than_every_expert_and_undoes_the_heat() -> None:
    plain, hot = (simulated(World("", heat=(1.0, h, 1.0)), N, 0) for h in (1.0, 2.5))
    best = bayes(World(""), plain.log.evidence)
    assert bayes(World("", heat=(1.0, 2.5, 1.0)), hot.log.evidence) == pytest.approx(best, abs=1e-9)
    alone = [losses(plain.log.evidence.p[:, m], plain.log).mean() for m in range(3)]
    assert losses(best, plain.log).mean() < min(alone) - 0.1


def test_the_optimum_is_bayes_product() -> None:
    calls = simulated(World(""), 500, 0)
    product = Product("product", np.ones(3), np.log(PRIOR))
    best = bayes(World(""), calls.log.evidence)
    assert product.fuse(calls.log.evidence).p == pytest.approx(best, abs=0.03)  # the product has a floor


def test_shared_noise_makes_errors_come_together() -> None:
    def together(shared: float) -> float:
        log = simulated(World("", shared=shared), N, 0).log
        wrong = log.evidence.p.argmax(axis=2) != log.labels[:, None]
        return float(np.corrcoef(wrong[:, 0], wrong[:, 2])[0, 1])

    assert together(0.8) > together(0.0) + 0.2


def test_failures_hit_their_share_and_quality_tells_where_it_should() -> None:
    told = simulated(BY_NAME["a quarter confidently wrong, quality tells"], N, 0).log
    useless = simulated(BY_NAME["a quarter confidently wrong, quality useless"], N, 0).log
    for log, gap in ((told, 0.15), (useless, 0.0)):
        wrong = log.evidence.p.argmax(axis=2) != log.labels[:, None]
        found = log.evidence.quality[~wrong].mean() - log.evidence.quality[wrong].mean()
        assert found > gap if gap else abs(found) < 0.02
    quiet = simulated(BY_NAME["a quarter quiet"], N, 0).log
    assert (quiet.evidence.p.max(axis=2) < 0.35).mean() > 0.2


def test_the_same_seed_gives_the_same_world() -> None:
    a, b = (simulated(WORLDS[1], 100, 5) for _ in range(2))
    assert np.array_equal(a.log.evidence.p, b.log.evidence.p)
    assert (a.other.p.argmax(axis=2) != a.log.labels[:, None]).mean() > 0.5
