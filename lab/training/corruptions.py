"""Test rows of the reference networks under the degradations that the shipped models are measured with."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import soxr
import torch
from librosa.effects import trim
from torch import Tensor

from affectstream.lab.datasets.ravdess import Clip, load
from affectstream.lab.evaluation import degrade
from affectstream.lab.evaluation.degrade_faces import FACES
from affectstream.lab.evaluation.tasks.voice_sets import conditions
from affectstream.lab.training.augment.clips import TRIM_DB, Extract, fitted
from affectstream.lab.training.corpus import Corrupted
from affectstream.lab.training.networks.voice import RATE_HZ

Floats = npt.NDArray[np.float32]


def faces(images: Tensor) -> Iterator[Corrupted[Tensor]]:
    """Yield gray faces (m, 48, 48) under a worse camera."""
    for condition, unit, made, severities in FACES:
        for severity in severities:
            degrade_one = made(severity)
            crops = np.stack([degrade_one(face) for face in images.numpy()])
            yield Corrupted(condition, severity, unit, torch.from_numpy(crops))


def words(texts: Sequence[str]) -> Iterator[Corrupted[list[str]]]:
    """Yield ``texts`` misheard, and cut off before their end."""
    vocabulary = sorted({word for text in texts for word in text.split()})
    for rate in degrade.WORD_ERROR_RATES:
        rng = np.random.default_rng(0)
        heard = [degrade.word_errors(text, rate, vocabulary, rng) for text in texts]
        yield Corrupted("word errors", rate, "word error rate", heard)
    for share in degrade.SHARES_HEARD:
        cut = [degrade.truncated(text, share) for text in texts]
        yield Corrupted("truncation", share, "share of the words heard", cut)


def speech(clips: Sequence[Clip], extract: Extract) -> Iterator[Corrupted[Tensor]]:
    """Yield features (m, 1, rows, frames) of ``clips`` by telephone, with noise, echo, babble and losses."""
    for condition, severity, unit, made in conditions(clips):
        if condition != "clean":
            heard = [_heard(clip, one, extract) for clip, one in zip(clips, made, strict=False)]
            yield Corrupted(condition, severity, unit, _stacked(heard))


def _heard(clip: Clip, condition: degrade.Speech, extract: Extract) -> Floats:
    """Return the features of what lies where the clean clip has its speech."""
    samples, rate_hz = load(clip.path)
    _, (start, end) = trim(_resampled(samples, rate_hz), top_db=TRIM_DB)
    return extract(fitted(_resampled(*condition(samples, rate_hz))[start:end]))


def _resampled(samples: Floats, rate_hz: int) -> Floats:
    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ"), dtype=np.float32)


def _stacked(features: Sequence[Floats]) -> Tensor:
    return torch.from_numpy(np.stack(features)[:, None])
