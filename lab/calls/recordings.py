"""Recorded calls without labels, a side or a mixed channel each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from affectstream.lab.datasets.files import of_corpus
from affectstream.schemas.errors import InputError

CORPUS = "calls"
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """One channel of a call: mono samples, full scale is 1."""

    name: str
    samples: Samples  # (n,)
    rate_hz: int

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return len(self.samples) / self.rate_hz

    def part(self, start_s: float, end_s: float) -> Samples:
        """Return the samples from ``start_s`` to ``end_s``."""
        return self.samples[round(start_s * self.rate_hz) : round(end_s * self.rate_hz)]


def routine(data: Path | None) -> tuple[Recording, ...]:
    """Return the calls at hand in the order of their names; raises InputError where there is none.

    All are routine: nobody in them is angry for long, as far as a listener can tell. Nothing else is known.
    """
    folder = of_corpus(CORPUS, data, "*.flac")
    return tuple(load(path) for path in sorted(folder.glob("*.flac")))


def load(path: Path) -> Recording:
    """Return a sound file as one mono channel; raises InputError for what cannot be decoded."""
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError(f"{path} cannot be decoded as audio") from error
    return Recording(path.stem, samples.mean(axis=1, dtype=np.float32), int(rate_hz))
