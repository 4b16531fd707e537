"""The experiment on fusion from logs to a choice: fit, compare, choose, abstain.

The criterion for the default:

1. Kept are the rules that hold the laws of ``tests/unit/models/fusion/test_fusion_laws.py``: ``LAWFUL``.
2. Of these those whose accuracy is least often clearly below that of the best single modality: under the
   fewest conditions does the 95 % interval of the difference lie below zero.
3. Of these the one with the lowest NLL, averaged over the conditions, each weighing the same; a simpler rule
   where its mean NLL is within 0.005 of that.

Networks on embeddings are compared but cannot be the default: workers send embeddings only when told to.
"""

from dataclasses import dataclass

import numpy as np

from affectstream.lab.evaluation.figures import risk_at, risk_coverage
from affectstream.lab.fusion import failures
from affectstream.lab.fusion.compare import Comparison, compare, with_trust
from affectstream.lab.fusion.fit import fit
from affectstream.lab.fusion.windows import Calls, Indices, Log
from affectstream.models.fusion import rules
from affectstream.models.fusion.evidence import Array, Rule
from affectstream.models.fusion.networks import FORWARD
from affectstream.models.fusion.parameters import FusionParameters

NEAR = 0.005  # nats
LAWFUL = ("entropy_trust", "bounded_pool")
SIMPLE_FIRST = (
    *("uniform", "log_pool", "entropy_trust", "entropy_trust_before", "entropy_trust_after", "product"),
    *("bounded_pool", "dempster", "learned_log_pool", "gated_log_pool", "stacking"),
)
COVERAGES = (1.0, 0.9, 0.8, 0.6, 0.4)


@dataclass(frozen=True)
class Abstaining:
    """What abstaining below a confidence costs and brings, over all conditions alike."""

    threshold: float
    answered: float  # share of the windows
    error: float  # among them
    curve: tuple[tuple[float, float], ...]  # share answered, error


def fitted_on(calls: Calls, seed: int = 0) -> FusionParameters:
    """Return what clean and corrupted windows of ``calls`` teach; raises InputError for too few of them."""
    log = failures.corrupted(calls, np.random.default_rng([seed, 3]))
    return fit(with_trust(log), seed)


def compared(fitted: FusionParameters, calls: Calls, draws: int) -> Comparison:
    """Return the comparison of all rules under all conditions that ``calls`` can be put under."""
    return compare(rules.rules(fitted), calls, failures.conditions(calls), draws)


def mean_nll(comparison: Comparison, rule: str) -> float:
    """Return the NLL of ``rule`` averaged over the conditions."""
    return float(np.mean([score.figures["nll"].value for score in comparison.of(rule)]))


def clearly_worse(comparison: Comparison, rule: str, figure: str = "accuracy") -> int:
    """Return under how many conditions ``rule`` is clearly worse than the best single modality."""
    return sum(score.worse(figure, clear=True) for score in comparison.of(rule))


def chosen(comparison: Comparison) -> str:
    """Return the rule that the criterion at the head of this module chooses."""
    lawful = [rule for rule in comparison.rules if rule in LAWFUL]
    asked = lawful or [rule for rule in comparison.rules if rule not in FORWARD]
    least = min(clearly_worse(comparison, rule) for rule in asked)
    kept = [rule for rule in asked if clearly_worse(comparison, rule) == least]
    nll = {rule: mean_nll(comparison, rule) for rule in kept}
    best = min(nll.values())
    return min((rule for rule in kept if nll[rule] <= best + NEAR), key=_complexity)


def abstaining(rule: Rule, fitted: FusionParameters, name: str, calls: Calls) -> Abstaining:
    """Return what the fitted threshold of ``rule`` does on every window once, each under some condition."""
    p, labels = _under_all(rule, fitted, calls)
    threshold = fitted.abstain.get(name, 0.0)
    answered = p.max(axis=1) >= threshold
    wrong = p.argmax(axis=1) != labels
    curve = risk_coverage(p, labels)
    return Abstaining(
        threshold,
        float(answered.mean()),
        float(wrong[answered].mean()) if answered.any() else 0.0,
        tuple((share, risk_at(curve, share)) for share in COVERAGES),
    )


def fitted_to(log: Log, seed: int = 0) -> FusionParameters:
    """Return what ``log`` teaches as it is, with the trust that the stream would give."""
    return fit(with_trust(log), seed)


def _complexity(rule: str) -> int:
    return SIMPLE_FIRST.index(rule) if rule in SIMPLE_FIRST else len(SIMPLE_FIRST)


def _under_all(rule: Rule, fitted: FusionParameters, calls: Calls) -> tuple[Array, Indices]:
    parts, labels = [], []
    for number, condition in enumerate(failures.conditions(calls)):
        log = with_trust(condition.make(calls, np.random.default_rng([0, number])))
        parts.append(rule.fuse(log.evidence).p)
        labels.append(log.labels)
    return np.concatenate(parts), np.concatenate(labels)
