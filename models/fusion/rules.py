"""The rules by name: plain ones, fitted ones with the numbers of a file, networks."""

from collections.abc import Callable

import numpy as np

from affectstream.models.fusion import network_rule
from affectstream.models.fusion.bounded import BoundedPool
from affectstream.models.fusion.dempster import Dempster
from affectstream.models.fusion.evidence import Array, Rule
from affectstream.models.fusion.networks import FORWARD
from affectstream.models.fusion.parameters import FusionParameters, LogPool, pattern
from affectstream.models.fusion.pools import (
    After,
    Before,
    EntropyTrust,
    EqualLogPool,
    GatedLogPool,
    Product,
    Uniform,
)
from affectstream.models.fusion.stacking import Stacking
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

UNFITTED: dict[str, Rule] = {rule.name: rule for rule in (EntropyTrust(), Uniform(), EqualLogPool())}


def rules(fitted: FusionParameters | None) -> dict[str, Rule]:
    """Return every rule by its plain name: fitted ones where there is a file, networks that were trained."""
    return on_probabilities(fitted) | network_rule.rules(_fallback(fitted))


def on_probabilities(fitted: FusionParameters | None) -> dict[str, Rule]:
    """Return the rules that read no embeddings, by their plain names."""
    if fitted is None:
        return dict(UNFITTED)
    return UNFITTED | {name: make(name, fitted) for name, make in _FITTED.items()}


def rule_named(name: str, fitted: FusionParameters | None = None) -> Rule:
    """Return the rule of a setting; raises SettingsError for an unknown name, or where a file is needed."""
    if name in UNFITTED:
        return UNFITTED[name]
    if name in FORWARD:
        return _network(name, fitted)
    if name not in _FITTED:
        raise SettingsError(f"fusion.rule is {name!r}; the rules are {', '.join(names())}")
    if fitted is None:
        raise SettingsError(
            f"fusion.rule is {name!r}, which needs fitted parameters: name a file in fusion.fitted"
        )
    return _FITTED[name](name, fitted)


def names() -> tuple[str, ...]:
    """Return the names that settings may hold."""
    return (*UNFITTED, *_FITTED, *FORWARD)


def _network(name: str, fitted: FusionParameters | None) -> Rule:
    made = network_rule.rules(_fallback(fitted))
    if name not in made:
        raise SettingsError(f"fusion.rule is {name!r}, a network that was not trained; choose another rule")
    return made[name]


def _fallback(fitted: FusionParameters | None) -> Rule:
    """Return what answers for a network where embeddings are missing."""
    return UNFITTED["entropy_trust"] if fitted is None else _gated("gated_log_pool", fitted)


def _called(name: str, fitted: FusionParameters) -> str:
    return f"{name}/{fitted.short}" if fitted.short else name


def _temperatures(fitted: FusionParameters) -> Array:
    return np.array([fitted.experts[m].temperature for m in MODALITIES])


def _reference_trust(fitted: FusionParameters) -> Array:
    return np.array([fitted.experts[m].trust for m in MODALITIES])


def _after(name: str, fitted: FusionParameters, rule: Rule) -> Rule:
    return After(_called(name, fitted), rule, fitted.after.get(name, 1.0))


def _before(name: str, fitted: FusionParameters) -> Rule:
    return Before(_called(name, fitted), EntropyTrust(), _temperatures(fitted))


def _entropy_after(name: str, fitted: FusionParameters) -> Rule:
    return _after(name, fitted, EntropyTrust())


def _product(name: str, fitted: FusionParameters) -> Rule:
    return Product(_called(name, fitted), _reference_trust(fitted), np.log(fitted.prior))


def _learned(name: str, fitted: FusionParameters) -> Rule:
    return _after(name, fitted, _pool(name, fitted, fitted.learned))


def _gated(name: str, fitted: FusionParameters) -> Rule:
    return _after(name, fitted, _pool(name, fitted, fitted.gated))


def _pool(name: str, fitted: FusionParameters, pool: LogPool) -> Rule:
    gates = np.array([(pool.gates[m].a, pool.gates[m].b, pool.gates[m].c) for m in MODALITIES]).T
    prior, bias = np.log(fitted.prior), np.array(pool.bias)
    return GatedLogPool(name, _temperatures(fitted), _reference_trust(fitted), gates, prior, bias)


def _bounded(name: str, fitted: FusionParameters) -> Rule:
    weights = np.array([fitted.bounded.weights[m] for m in MODALITIES])
    return BoundedPool(_called(name, fitted), weights, _reference_trust(fitted))


def _dempster(name: str, fitted: FusionParameters) -> Rule:
    discounts = np.array([fitted.experts[m].discount for m in MODALITIES])
    return _after(name, fitted, Dempster(name, _temperatures(fitted), _reference_trust(fitted), discounts))


def _stacking(name: str, fitted: FusionParameters) -> Rule:
    sets = 1 << len(MODALITIES)
    weights = np.zeros((sets, len(MODALITIES), N_EMOTIONS, N_EMOTIONS))
    biases = np.zeros((sets, N_EMOTIONS))
    for bits in range(1, sets):
        members = [m for i, m in enumerate(MODALITIES) if bits >> i & 1]
        stack = fitted.stacking.get(pattern(members))
        for m in members:
            equal = np.eye(N_EMOTIONS) / len(members)
            weights[bits, MODALITIES.index(m)] = equal if stack is None else stack.weights[m]
        biases[bits] = 0.0 if stack is None else stack.bias
    return _after(
        name, fitted, Stacking(name, _temperatures(fitted), _reference_trust(fitted), weights, biases)
    )


_FITTED: dict[str, Callable[[str, FusionParameters], Rule]] = {
    "bounded_pool": _bounded,
    "entropy_trust_before": _before,
    "entropy_trust_after": _entropy_after,
    "product": _product,
    "learned_log_pool": _learned,
    "gated_log_pool": _gated,
    "dempster": _dempster,
    "stacking": _stacking,
}
