"""Degradations of speech and text by a known amount: line, noise, room, packet loss, word errors.

Each is a pure function of its input, an amount and a generator.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import soxr
from scipy.signal import butter, fftconvolve, sosfilt

Samples = npt.NDArray[np.float32]
Generator = np.random.Generator
LINE_HZ = 8_000
BAND_HZ = (300.0, 3_400.0)  # of the line: real ones pass 36 to 43 dB less below 100 Hz
BAND_ORDER = 4  # of each edge: 24 dB per octave
MU = 255.0
PACKET_S = 0.02
VOICES = 4  # of a babble
KINDS = (0.6, 0.8)  # up to here a word error is another word, up to there a lost one, else one too many


def mu_law(samples: Samples) -> Samples:
    """Return ``samples`` after eight-bit mu-law coding and decoding (the curve of ITU-T G.711)."""
    clipped = np.clip(samples, -1.0, 1.0)
    coded = np.sign(clipped) * np.log1p(MU * np.abs(clipped)) / np.log1p(MU)
    coded = np.round((coded + 1) / 2 * MU) / MU * 2 - 1
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    return np.asarray(decoded, dtype=np.float32)


def telephone_line(samples: Samples, rate_hz: int) -> Samples:
    """Return ``samples`` at 8 kHz, within the band of a line, after mu-law coding: what a receiver gets."""
    return mu_law(_in_band(samples, rate_hz))


def _in_band(samples: Samples, rate_hz: int) -> Samples:
    narrow = soxr.resample(samples, rate_hz, LINE_HZ, quality="HQ")
    edges = butter(BAND_ORDER, BAND_HZ, "bandpass", fs=LINE_HZ, output="sos")
    return np.asarray(sosfilt(edges, narrow), dtype=np.float32)


def through_telephone(samples: Samples, rate_hz: int) -> Samples:
    """Return ``samples`` sent over the line and brought back to ``rate_hz``."""
    return np.asarray(
        soxr.resample(telephone_line(samples, rate_hz), LINE_HZ, rate_hz, quality="HQ"), dtype=np.float32
    )


def with_noise(samples: Samples, snr_db: float, rng: Generator) -> Samples:
    """Return ``samples`` with white noise ``snr_db`` below their mean power."""
    level = np.sqrt(np.mean(np.square(samples, dtype=np.float64)) * 10 ** (-snr_db / 10))
    return np.asarray(samples + level * rng.standard_normal(len(samples)), dtype=np.float32)


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


def reverberated(samples: Samples, rate_hz: int, rt60_s: float, rng: Generator) -> Samples:
    """Return ``samples`` as in a room whose echo falls by 60 dB in ``rt60_s``, at the same mean power.

    The impulse response is synthetic: the direct sound, then white noise that decays exponentially and holds
    as much energy as it.
    """
    time_s = np.arange(1, round(rt60_s * rate_hz)) / rate_hz
    echo = rng.standard_normal(len(time_s)) * np.exp(-np.log(1000) * time_s / rt60_s)
    response = np.concatenate([[1.0], echo / max(float(np.linalg.norm(echo)), 1e-9)])
    heard = fftconvolve(samples, response)[: len(samples)]
    return np.asarray(heard * _power(samples) / max(_power(heard), 1e-9), dtype=np.float32)


def with_babble(samples: Samples, others: Sequence[Samples], snr_db: float) -> Samples:
    """Return ``samples`` with the sum of ``others`` behind them, ``snr_db`` below their mean power.

    The other voices, of one rate with ``samples``, are equally loud, and begin anew where they end.
    """
    voices = [np.resize(voice / max(_power(voice), 1e-9), len(samples)) for voice in others if len(voice)]
    babble = np.sum(voices, axis=0) if voices else np.zeros(len(samples))
    level = _power(samples) * 10 ** (-snr_db / 20) / max(_power(babble), 1e-9)
    return np.asarray(samples + level * babble, dtype=np.float32)


def _power(samples: npt.NDArray[np.floating]) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


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


Speech = Callable[[Samples, int], tuple[Samples, int]]  # samples and their rate, to others and theirs


def clean(samples: Samples, rate_hz: int) -> tuple[Samples, int]:
    """Return what was recorded."""
    return samples, rate_hz


def _noisy(snr_db: float) -> Speech:
    return lambda x, hz: (with_noise(x, snr_db, np.random.default_rng(len(x))), hz)


def _lossy(share: float) -> Speech:
    return lambda x, hz: (packet_loss(x, hz, share, np.random.default_rng(len(x))), hz)


def _overdriven(share: float) -> Speech:
    return lambda x, hz: (clipped(x, share), hz)


def _echoing(rt60_s: float) -> Speech:
    return lambda x, hz: (reverberated(x, hz, rt60_s, np.random.default_rng(len(x))), hz)


def behind(others: Sequence[Samples], snr_db: float) -> Speech:
    """Return the condition in which ``others`` speak behind a voice."""
    return lambda x, hz: (with_babble(x, others, snr_db), hz)


def by_telephone(samples: Samples, rate_hz: int) -> tuple[Samples, int]:
    """Return what an 8 kHz mu-law line of 300 to 3400 Hz delivers, the loudest sample at half scale."""
    narrow = _in_band(samples, rate_hz)
    peak = max(float(np.abs(narrow).max(initial=0.0)), 1e-9)
    return mu_law(narrow / np.float32(2 * peak)), LINE_HZ


SPEECH: tuple[tuple[str, str, Callable[[float], Speech], tuple[float, ...]], ...] = (
    ("telephone", "kHz, 300 to 3400 Hz, mu-law", lambda _: by_telephone, (8.0,)),
    ("white noise", "dB signal to noise", _noisy, (20.0, 10.0, 5.0, 0.0, -5.0)),
    ("reverberation", "RT60 in s", _echoing, (0.3, 0.6, 1.0)),
    ("packet loss", "share of 20 ms packets", _lossy, (0.05, 0.1, 0.2, 0.5)),
    ("clipping", "share of samples", _overdriven, (0.01, 0.1)),
)
"""Condition, unit of its severity, how it is made, severities from mild to bad."""

BABBLE = ("babble", f"dB signal to {VOICES} other speakers", (20.0, 10.0, 5.0, 0.0))
"""Condition, unit and severities of the one that needs other clips, made by ``behind``."""

WORD_ERROR_RATES = (0.1, 0.2, 0.4)
SHARES_HEARD = (0.75, 0.5, 0.25)
