"""What the voice model does with sounds that are no speech: silence, a flat answer, or another one."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets.sounds import RATE_HZ, SOUNDS
from affectstream.lab.evaluation.outcome import Target
from affectstream.lab.training.augment.lines import drawn
from affectstream.lab.training.speech import LEARNT_SOUNDS
from affectstream.models.voice import features
from affectstream.models.voice.model import VoiceModel
from affectstream.models.voice.quality import is_silent

WANTED = 0.8  # share of the sounds of the other kinds that get no confident answer
CONFIDENT = 0.5
FLAT = 0.5  # of the answer is gone, and of its quality
FIRST = 10_000  # of the draws: others than in training


@dataclass(frozen=True)
class Answered:
    """The shares of one kind of sound that come out in each way."""

    kind: str
    silent: float
    flat: float  # half of the answer and more is gone
    confident: float  # an answer with a probability of CONFIDENT or more


def answered(model: VoiceModel, n: int) -> Iterator[Answered]:
    """Yield what ``model`` does with ``n`` sounds of each kind, every other one through a drawn line."""
    for k, (kind, make) in enumerate(SOUNDS.items()):
        silent, windows = 0, []
        for i in range(n):
            rng = np.random.default_rng((k, FIRST + i))
            samples, rate_hz = _heard(make(rng), i, rng)
            if is_silent(samples, rate_hz):
                silent += 1
            else:
                windows.append(features.features(samples, rate_hz))
        found = model.predict(windows)
        flat = found.removed >= FLAT
        sure = (found.p.max(axis=1, initial=0) >= CONFIDENT) & ~flat
        yield Answered(kind, silent / n, float(flat.sum()) / n, float(sure.sum()) / n)


def _heard(
    samples: npt.NDArray[np.float32], i: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], int]:
    return drawn(samples, rng) if i % 2 else (samples, RATE_HZ)


def line(found: list[Answered]) -> Target:
    """Return the target: sounds of kinds never learnt get no confident answer."""
    mean = 1 - float(np.mean([one.confident for one in found if one.kind not in LEARNT_SOUNDS]))
    title = "sounds unlike speech without a confident answer"
    return Target(title, f">= {WANTED:g}", f"{mean:.3f}", mean >= WANTED, None)


def note(found: list[Answered]) -> str:
    """Return one sentence on every kind of sound."""
    kinds = "; ".join(
        f"{one.kind} {one.silent:.2f} silent, {one.flat:.2f} flat, {one.confident:.2f} answered"
        for one in found
    )
    return (
        f"Sounds made by rule, share by outcome (answered: a probability of {CONFIDENT:g} or more): {kinds}."
    )
