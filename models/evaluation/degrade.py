"""Input made worse by a known amount: speech over a bad line, words misheard; imports numpy and the siblings.

Each is a pure function of its input, an amount and a generator. Faces are degraded by
``models.face.robustness``, the telephone and noise come from ``models.voice.telephone``.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from models.face import robustness as faces
from models.face.crop import Image
from models.voice import telephone

Samples = npt.NDArray[np.float32]
Generator = np.random.Generator
PACKET_S = 0.02
KINDS = (0.6, 0.8)  # up to here a word error is another word, up to there a lost one, else one too many


def packet_loss(samples: Samples, rate_hz: int, share: float, rng: Generator) -> Samples:
    """Return ``samples`` with a ``share`` of their 20 ms packets silent, each lost on its own."""
    length = round(rate_hz * PACKET_S)
    lost = rng.random(-(-len(samples) // length)) < share
    silent = np.repeat(lost, length)[: len(samples)]
    return np.asarray(np.where(silent, np.float32(0), samples), dtype=np.float32)


def clipped(samples: Samples, share: float) -> Samples:
    """Return ``samples`` amplified until a ``share`` of them lies beyond full scale, and cut there."""
    if not len(samples) or share <= 0:
        return samples
    edge = max(float(np.quantile(np.abs(samples), 1 - share)), 1e-9)
    return np.asarray(np.clip(samples / edge, -1, 1), dtype=np.float32)


def word_errors(text: str, rate: float, vocabulary: Sequence[str], rng: Generator) -> str:
    """Return ``text`` with an expected word error ``rate``, as a recogniser makes them.

    Of the errors 60 % put a word of ``vocabulary`` in the place, 20 % drop it, 20 % add one after it. At
    least one word is left.
    """
    words = text.split()
    heard: list[str] = []
    for word in words:
        kind = rng.random()
        if rng.random() >= rate:
            heard.append(word)
        elif kind < KINDS[0]:
            heard.append(_any(vocabulary, rng))
        elif kind >= KINDS[1]:
            heard += [word, _any(vocabulary, rng)]
    return " ".join(heard or words[:1])


def truncated(text: str, share: float) -> str:
    """Return the first ``share`` of the words of ``text``, at least one: what was heard so far."""
    words = text.split()
    return " ".join(words[: max(1, round(len(words) * share))])


def _any(vocabulary: Sequence[str], rng: Generator) -> str:
    return vocabulary[int(rng.integers(len(vocabulary)))]


Speech = Callable[[Samples, int], tuple[Samples, int]]
FACES: tuple[tuple[str, str, Callable[[float], Callable[[Image], Image]], tuple[float, ...]], ...] = (
    ("blur", "sigma in pixels of 48", faces.blurred, (1.0, 2.0, 3.0, 4.0)),
    ("darkness", "share of the light that is left", faces.darkened, (0.4, 0.15, 0.06)),
    ("occlusion", "share covered from below", faces.covered, (0.2, 0.4, 0.6)),
    ("JPEG", "quality", lambda q: faces.compressed(int(q)), (60, 40, 20, 10)),
    ("size", "pixels of the side", lambda side: faces.shrunk(int(side)), (32, 24, 16, 10)),
)
"""Condition, unit of its severity, how it is made, severities from mild to bad."""


def _noisy(snr_db: float) -> Speech:
    return lambda x, hz: (telephone.with_noise(x, snr_db, np.random.default_rng(len(x))), hz)


def _lossy(share: float) -> Speech:
    return lambda x, hz: (packet_loss(x, hz, share, np.random.default_rng(len(x))), hz)


def _overdriven(share: float) -> Speech:
    return lambda x, hz: (clipped(x, share), hz)


def by_telephone(samples: Samples, rate_hz: int) -> tuple[Samples, int]:
    """Return what an 8 kHz mu-law line delivers, the loudest sample at half scale."""
    peak = max(float(np.abs(samples).max(initial=0.0)), 1e-9)
    return telephone.line(samples / np.float32(2 * peak), rate_hz), telephone.LINE_HZ


SPEECH: tuple[tuple[str, str, Callable[[float], Speech], tuple[float, ...]], ...] = (
    ("telephone", "kHz, mu-law", lambda _: by_telephone, (8.0,)),
    ("white noise", "dB signal to noise", _noisy, (20.0, 10.0, 5.0, 0.0, -5.0)),
    ("packet loss", "share of 20 ms packets", _lossy, (0.05, 0.1, 0.2, 0.5)),
    ("clipping", "share of samples", _overdriven, (0.01, 0.1)),
)
"""Condition, unit of its severity, how it is made, severities from mild to bad."""

WORD_ERROR_RATES = (0.1, 0.2, 0.4)
SHARES_HEARD = (0.75, 0.5, 0.25)
