"""A fitted file that no data stands behind, every number of it at work; for tests only."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from affectstream.models.fusion.parameters import (
    Bounded,
    Expert,
    FusionParameters,
    Gate,
    LogPool,
    Stack,
    pattern,
    write,
)
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

TEMPERATURES = (1.4, 0.8, 1.1)


def example() -> FusionParameters:
    """The file's content."""
    dice = np.random.default_rng(7)
    experts = {
        m: Expert(
            temperature=TEMPERATURES[i],
            trust=(0.7, 0.6, 0.5)[i],
            accuracy=0.6,
            windows=1000,
            discount=(0.8, 0.7, 0.9)[i],
        )
        for i, m in enumerate(MODALITIES)
    }
    plain = {m: Gate(a=(0.2, -0.4, 0.5)[i]) for i, m in enumerate(MODALITIES)}
    gates = {m: Gate(a=(-0.5, -1.0, 0.1)[i], b=1.5, c=(2.0, 1.0, 0.5)[i]) for i, m in enumerate(MODALITIES)}
    sets = [members for size in (2, 3) for members in combinations(MODALITIES, size)]
    return FusionParameters(
        data="numbers made up for tests",
        windows=1000,
        prior=(0.4, 0.16, 0.12, 0.12, 0.06, 0.04, 0.10),
        experts=experts,
        bounded=Bounded(weights=dict(zip(MODALITIES, (0.5, 0.3, 0.2), strict=True))),
        after={"entropy_trust_after": 0.5, "gated_log_pool": 1.2, "dempster": 0.7, "stacking": 1.1},
        learned=LogPool(gates=plain, bias=tuple(dice.normal(0, 0.2, N_EMOTIONS).tolist())),
        gated=LogPool(gates=gates, bias=tuple(dice.normal(0, 0.2, N_EMOTIONS).tolist())),
        stacking={pattern(members): _stack(members, dice) for members in sets},
        abstain={"gated_log_pool": 0.4},
    ).hashed()


def relabelled(fitted: FusionParameters, order: Sequence[int]) -> FusionParameters:
    """The same, with what modality number ``order[i]`` had given to number i."""
    new = {MODALITIES[old]: MODALITIES[i] for i, old in enumerate(order)}
    pools = {
        name: pool.model_copy(update={"gates": {new[m]: gate for m, gate in pool.gates.items()}})
        for name, pool in (("learned", fitted.learned), ("gated", fitted.gated))
    }
    stacks = {
        pattern([new[m] for m in stack.weights]): stack.model_copy(
            update={"weights": {new[m]: w for m, w in stack.weights.items()}}
        )
        for stack in fitted.stacking.values()
    }
    experts = {new[m]: expert for m, expert in fitted.experts.items()}
    weights = {new[m]: weight for m, weight in fitted.bounded.weights.items()}
    bounded = fitted.bounded.model_copy(update={"weights": weights})
    return fitted.model_copy(update={"experts": experts, "stacking": stacks, "bounded": bounded, **pools})


def written(folder: Path) -> Path:
    """The file."""
    path = folder / "fusion.json"
    write(example(), path)
    return path


def _stack(members: Sequence[str], dice: np.random.Generator) -> Stack:
    def square() -> tuple[tuple[float, ...], ...]:
        rows = 0.7 * np.eye(N_EMOTIONS) + dice.normal(0, 0.1, (N_EMOTIONS, N_EMOTIONS))
        return tuple(map(tuple, rows.tolist()))

    return Stack(weights={m: square() for m in members}, bias=tuple(dice.normal(0, 0.1, 7).tolist()))
