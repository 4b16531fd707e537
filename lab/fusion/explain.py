"""Importance of each modality to a rule: leave-one-out and Shapley values.

The game of a set of modalities is what the rule reaches when it has these alone: accuracy, or likelihood as
the negative NLL in nats. With nothing a rule is at chance: accuracy 1/7, NLL log 7. Both are means over
windows, and Shapley values are linear, so every window has values of its own and the intervals redraw whole
groups of windows (Shapley, "A Value for n-Person Games", 1953).
"""

from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from affectstream.lab.bootstrap import Interval, mean_interval
from affectstream.lab.fusion.windows import Log
from affectstream.lab.statistics import log_likelihoods
from affectstream.models.fusion.evidence import FLAT, Array, Evidence, Pooled, Rule
from affectstream.schemas.messages import MODALITIES, Modality

Game = Literal["accuracy", "nll"]
DRAWS = 1000


@dataclass(frozen=True)
class Importance:
    """What one modality is worth to a rule, in points of accuracy or nats of NLL; more is better."""

    modality: Modality
    game: Game
    left_out: Interval  # what is lost without it
    shapley: Interval
    alone: Interval  # what it adds to nothing


@dataclass(frozen=True)
class Without:
    """What a rule would have said of one window without a modality."""

    modality: Modality
    pooled: Pooled


def importances(rule: Rule, log: Log, game: Game, draws: int = DRAWS, seed: int = 0) -> list[Importance]:
    """Return what every modality is worth on the windows of ``log``, with 95 % intervals over groups."""
    n = len(MODALITIES)
    values = coalitions(rule, log, game)
    whole = values[-1]
    worth = shapley(values)

    def redrawn(gains: Array) -> Interval:
        return mean_interval(gains, log.groups, draws, seed=seed)

    return [
        Importance(
            modality,
            game,
            redrawn(whole - values[(1 << n) - 1 - (1 << i)]),
            redrawn(worth[:, i]),
            redrawn(values[1 << i] - values[0]),
        )
        for i, modality in enumerate(MODALITIES)
    ]


def coalitions(rule: Rule, log: Log, game: Game) -> Array:
    """Return the game (2^modalities, windows): row b has the modalities whose bits are set in b."""
    rows = []
    for bits in range(1 << len(MODALITIES)):
        members = np.array([bool(bits >> i & 1) for i in range(len(MODALITIES))])
        present = log.evidence.present & members
        p = rule.fuse(replace(log.evidence, present=present)).p
        p = np.where(present.any(axis=1, keepdims=True), p, FLAT)
        rows.append(_played(p, log, game, present))
    return np.stack(rows)


def shapley(values: Array) -> Array:
    """Return every player's value (windows, players) from a game (2^players, windows).

    They sum to the game of all less that of none; equal players get equal values, one that never changes
    anything gets nothing.
    """
    players = (len(values) - 1).bit_length()
    worth = np.zeros((values.shape[1], players))
    for player in range(players):
        others = [i for i in range(players) if i != player]
        for size in range(players):
            say = factorial(size) * factorial(players - 1 - size) / factorial(players)
            for members in combinations(others, size):
                bits = sum(1 << i for i in members)
                worth[:, player] += say * (values[bits | 1 << player] - values[bits])
    return worth


def left_out(rule: Rule, evidence: Evidence) -> list[Without]:
    """Return what ``rule`` would say without each modality that is present in one window."""
    found = []
    for i, modality in enumerate(MODALITIES):
        if not evidence.present[0, i]:
            continue
        present = evidence.present.copy()
        present[:, i] = False
        found.append(Without(modality, rule.fuse(replace(evidence, present=present))))
    return found


def _played(p: Array, log: Log, game: Game, present: NDArray[np.bool_]) -> Array:
    """Return the game's value (windows,) of what is said; at chance where nothing is."""
    if game == "nll":
        return log_likelihoods(p, log.labels)
    right = (p.argmax(axis=1) == log.labels).astype(np.float64)
    return np.where(present.any(axis=1), right, FLAT)
