"""Experts whose truth is known: skill, shared errors, overconfidence, failures, quality.

Every expert sees the class through Gaussian noise and says the posterior that follows from it, sharpened or
flattened by ``heat``. A part of the noise may be common to all: then their errors are dependent, and Bayes'
product is no longer right. The windows are calls as those of ``lab.fusion.pairs``, without embeddings.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from affectstream.lab.fusion.pairs import LENGTH, MELD_SHARES
from affectstream.lab.fusion.windows import Calls, Indices, Log
from affectstream.models.fusion.evidence import Array, Evidence, Flags
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

Generator = np.random.Generator

PRIOR = np.array(MELD_SHARES) / sum(MELD_SHARES)
GROUPS = 10


@dataclass(frozen=True)
class World:
    """What is true of the experts, in the order of affectstream.schemas.messages."""

    name: str
    skill: tuple[float, ...] = (1.6, 1.3, 1.9)  # distance of the class means over the noise
    shared: float = 0.0  # share of the noise's variance that all experts have in common
    heat: tuple[float, ...] = (1.0, 1.0, 1.0)  # p is raised to it: above 1 overconfident
    failing: float = 0.0  # share of each expert's inputs that fail
    confident: bool = False  # a failing expert is sure of a wrong class; else it says next to nothing
    telling: float = 0.0  # by how much a failing input's quality is lower, of 1


WORLDS = (
    World("independent, calibrated"),
    World("errors half shared", shared=0.5),
    World("audio overconfident", heat=(1.0, 2.5, 1.0)),
    World("audio underconfident", heat=(1.0, 0.4, 1.0)),
    World("a quarter quiet", failing=0.25),
    World("a quarter confidently wrong, quality tells", failing=0.25, confident=True, telling=0.4),
    World("a quarter confidently wrong, quality useless", failing=0.25, confident=True),
)


def simulated(world: World, windows: int, seed: int) -> Calls:
    """Return labelled calls of ``world``; the same for the same seed."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(N_EMOTIONS, windows, p=PRIOR).astype(np.int64)
    others = (labels + rng.integers(1, N_EMOTIONS, windows)) % N_EMOTIONS
    groups = np.array([f"speaker {i * GROUPS // windows}" for i in range(windows)])
    source = f"Simulated experts, {world.name}: {windows} windows, the truth known."
    log = Log(_failed(world, _evidence(world, labels, rng), labels, rng), labels, groups, source)
    return Calls(log, np.arange(windows) // LENGTH, other=_evidence(world, others, rng))


def bayes(world: World, evidence: Evidence) -> Array:
    """Return the best possible posterior (windows, 7) of independent experts that do not fail.

    What the experts say is first cooled by what they were heated with; with shared errors or failures this
    is no longer the optimum.
    """
    cooled = np.log(np.maximum(evidence.p, 1e-300)) / np.array(world.heat)[:, None]
    cooled -= np.log(np.exp(cooled).sum(axis=2, keepdims=True))
    there = evidence.present[:, :, None]
    scores = np.where(there, cooled - np.log(PRIOR), 0.0).sum(axis=1) + np.log(PRIOR)
    return np.asarray(softmax(scores, axis=-1))


def _evidence(world: World, labels: Indices, rng: Generator) -> Evidence:
    shape = (len(labels), len(MODALITIES), N_EMOTIONS)
    common, own = rng.normal(size=(shape[0], 1, shape[2])), rng.normal(size=shape)
    noise = np.sqrt(world.shared) * common + np.sqrt(1 - world.shared) * own
    skill = np.array(world.skill)[:, None]
    seen = skill * np.eye(N_EMOTIONS)[labels][:, None] + noise
    scores = (skill * seen + np.log(PRIOR)) * np.array(world.heat)[:, None]
    quality = _quality(np.full(shape[:2], 0.75), rng)
    return Evidence(softmax(scores, axis=-1), np.ones(shape[:2], np.bool_), quality, np.ones(shape[:2]))


def _failed(world: World, evidence: Evidence, labels: Indices, rng: Generator) -> Evidence:
    hit: Flags = rng.random(evidence.present.shape) < world.failing
    scores = 0.2 * rng.normal(size=evidence.p.shape)
    if world.confident:
        wrong = (labels[:, None] + rng.integers(1, N_EMOTIONS, hit.shape)) % N_EMOTIONS
        scores += 4.0 * np.eye(N_EMOTIONS)[wrong]
    p = np.where(hit[:, :, None], softmax(scores, axis=-1), evidence.p)
    quality = np.where(hit, _quality(np.full(hit.shape, 0.75 - world.telling), rng), evidence.quality)
    return replace(evidence, p=p, quality=quality)


def _quality(middle: Array, rng: Generator) -> Array:
    return np.clip(middle + 0.15 * rng.normal(size=middle.shape), 0.0, 1.0)
