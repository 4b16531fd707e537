"""The experiment on fusion from logs to a choice: fit, compare, choose, abstain.

The criterion was written down before the figures were seen:

1. Kept are the rules whose accuracy is nowhere clearly below that of the best single modality: under no
   condition does the 95 % interval of the difference lie below zero. Were there none, those where it happens
   least often.
2. Of these the one with the lowest NLL, averaged over the conditions, each weighing the same.
3. A simpler rule wins where its mean NLL is within 0.005 of that.

Networks on embeddings are compared but cannot be the default: workers send embeddings only when told to, and
the voice's were mapped from the folds' space in a way that flatters them (``logs.voice``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from affectstream.lab import statistics
from affectstream.lab.evaluation.figures import risk_at, risk_coverage
from affectstream.lab.fusion import failures, simulate
from affectstream.lab.fusion.compare import Comparison, compare, with_trust
from affectstream.lab.fusion.fit import fit
from affectstream.lab.fusion.fit_experts import experts
from affectstream.lab.fusion.windows import Calls, Indices, Log
from affectstream.models.fusion import rules
from affectstream.models.fusion.evidence import Array, Rule
from affectstream.models.fusion.networks import FORWARD
from affectstream.models.fusion.parameters import FusionParameters

NEAR = 0.005  # nats
SIMPLE_FIRST = (
    *("uniform", "log_pool", "entropy_trust", "entropy_trust_before", "entropy_trust_after", "product"),
    *("dempster", "learned_log_pool", "gated_log_pool", "stacking"),
)
SIMULATED = 2000  # windows to fit on, and as many to judge by
COVERAGES = (1.0, 0.9, 0.8, 0.6, 0.4)


@dataclass(frozen=True)
class Simulated:
    """What one rule reaches in one world, fitted and judged on fresh windows of it."""

    world: str
    rule: str
    accuracy: float
    nll: float
    ece: float


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
    return fit(with_trust(log, experts(log)), seed)


def compared(fitted: FusionParameters, calls: Calls, draws: int) -> Comparison:
    """Return the comparison of all rules under all conditions that ``calls`` can be put under."""
    return compare(rules.rules(fitted), calls, failures.conditions(calls), fitted.experts, draws)


def mean_nll(comparison: Comparison, rule: str) -> float:
    """Return the NLL of ``rule`` averaged over the conditions."""
    return float(np.mean([score.figures["nll"].value for score in comparison.of(rule)]))


def clearly_worse(comparison: Comparison, rule: str, figure: str = "accuracy") -> int:
    """Return under how many conditions ``rule`` is clearly worse than the best single modality."""
    return sum(score.worse(figure, clear=True) for score in comparison.of(rule))


def chosen(comparison: Comparison) -> str:
    """Return the rule that the criterion at the head of this module chooses."""
    asked = [rule for rule in comparison.rules if rule not in FORWARD]
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


def in_worlds(
    worlds: Sequence[simulate.World] = simulate.WORLDS, windows: int = SIMULATED
) -> list[Simulated]:
    """Return every rule's figures in every world, and the best possible ones where they are known."""
    found = []
    for number, world in enumerate(worlds):
        fitted = fitted_to(simulate.simulated(world, windows, 2 * number).log)
        log = with_trust(simulate.simulated(world, windows, 2 * number + 1).log, fitted.experts)
        said = {name: rule.fuse(log.evidence).p for name, rule in _without_networks(fitted).items()}
        if not world.failing and not world.shared:
            said["(the optimum)"] = simulate.bayes(world, log.evidence)
        found += [_simulated(world.name, name, p, log) for name, p in said.items()]
    return found


def fitted_to(log: Log, seed: int = 0) -> FusionParameters:
    """Return what ``log`` teaches as it is, with the trust that the stream would give."""
    return fit(with_trust(log, experts(log)), seed)


def _without_networks(fitted: FusionParameters) -> Mapping[str, Rule]:
    return {name: rule for name, rule in rules.rules(fitted).items() if name in SIMPLE_FIRST}


def _simulated(world: str, rule: str, p: Array, log: Log) -> Simulated:
    accuracy = float((p.argmax(axis=1) == log.labels).mean())
    return Simulated(world, rule, accuracy, statistics.nll(p, log.labels), statistics.ece(p, log.labels))


def _complexity(rule: str) -> int:
    return SIMPLE_FIRST.index(rule) if rule in SIMPLE_FIRST else len(SIMPLE_FIRST)


def _under_all(rule: Rule, fitted: FusionParameters, calls: Calls) -> tuple[Array, Indices]:
    parts, labels = [], []
    for number, condition in enumerate(failures.conditions(calls)):
        log = with_trust(condition.make(calls, np.random.default_rng([0, number])), fitted.experts)
        parts.append(rule.fuse(log.evidence).p)
        labels.append(log.labels)
    return np.concatenate(parts), np.concatenate(labels)
