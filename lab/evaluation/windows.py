"""Windows of recorded clips under good and bad conditions and figures of their logits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from librosa.effects import trim
from scipy.special import softmax

from affectstream.lab import statistics
from affectstream.lab.datasets import ravdess
from affectstream.lab.voice import telephone
from affectstream.models.voice import features
from affectstream.models.voice.quality import is_silent

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

TRIM_DB = 35.0
MARGIN_S = 0.25
STEP_S = 0.5
STREAM_STEP_S = 1.0

Starts = Callable[[Samples, int], list[float]]
Heard = Callable[[Samples, int], tuple[Samples, int]]


def clip_starts(samples: Samples, rate_hz: int) -> list[float]:
    """Return the starts in seconds of two-second windows, at most 0.5 s apart, over the spoken part."""
    _, (first, last) = trim(samples, top_db=TRIM_DB)
    span = max((last - first) / rate_hz + 2 * MARGIN_S, features.WINDOW_S)
    begin = (first + last) / 2 / rate_hz - span / 2
    count = int(np.ceil((span - features.WINDOW_S) / STEP_S)) + 1
    return [float(s) for s in np.linspace(begin, begin + span - features.WINDOW_S, count)]


def stream_starts(samples: Samples, rate_hz: int) -> list[float]:
    """Return the starts of the windows that the stream would make every second and not find silent."""
    last = len(samples) / rate_hz - features.WINDOW_S
    starts = [float(s) for s in np.arange(0.0, max(last, 0.0) + 1e-9, STREAM_STEP_S)]
    return [s for s in starts if not is_silent(cut(samples, rate_hz, s), rate_hz)]


def cut(samples: Samples, rate_hz: int, start_s: float) -> Samples:
    """Return two seconds from ``start_s``, zeros where the clip has nothing."""
    begin, length = round(start_s * rate_hz), round(features.WINDOW_S * rate_hz)
    window = np.zeros(length, np.float32)
    part = samples[max(0, begin) : max(0, begin + length)]
    window[max(0, -begin) : max(0, -begin) + len(part)] = part
    return window


def clean(samples: Samples, rate_hz: int) -> tuple[Samples, int]:
    """Return what was recorded."""
    return samples, rate_hz


def by_telephone(samples: Samples, rate_hz: int) -> tuple[Samples, int]:
    """Return what a telephone line delivers: 8 kHz, mu-law, the loudest sample at half scale."""
    return telephone.line(samples / (2 * np.abs(samples).max()), rate_hz), telephone.LINE_HZ


def in_noise(snr_db: float) -> Heard:
    """Return a condition that adds white noise ``snr_db`` below the clip's mean power."""

    def noisy(samples: Samples, rate_hz: int) -> tuple[Samples, int]:
        rng = np.random.default_rng(len(samples))
        return telephone.with_noise(samples, snr_db, rng), rate_hz

    return noisy


CONDITIONS: dict[str, tuple[Starts, Heard]] = {
    "clip": (clip_starts, clean),
    "clip, telephone": (clip_starts, by_telephone),
    "clip, noise 20 dB": (clip_starts, in_noise(20.0)),
    "clip, noise 10 dB": (clip_starts, in_noise(10.0)),
    "clip, noise 0 dB": (clip_starts, in_noise(0.0)),
    "stream": (stream_starts, clean),
    "stream, telephone": (stream_starts, by_telephone),
}


@dataclass(frozen=True)
class Windows:
    """Prepared windows of clips."""

    inputs: Samples  # (windows, 1, 64, 126)
    clip: Labels  # (windows,) row of the clip


def windows(clips: Sequence[ravdess.Clip], condition: str) -> Windows:
    """Return the windows of ``clips`` under one of CONDITIONS."""
    starts, heard = CONDITIONS[condition]
    inputs, rows = [], []
    for row, clip in enumerate(clips):
        samples, rate_hz = ravdess.load(clip.path)
        sound, sound_hz = heard(samples, rate_hz)
        for start in starts(samples, rate_hz):
            inputs.append(features.features(cut(sound, sound_hz, start), sound_hz))
            rows.append(row)
    return Windows(np.stack(inputs), np.array(rows, dtype=np.int64))


def per_clip(logits: Floats, clip: Labels, n: int) -> Floats:
    """Return the mean logits (n, 7) of each clip's windows; a clip without any gets zeros."""
    total = np.zeros((n, logits.shape[1]))
    np.add.at(total, clip, logits)
    return total / np.maximum(np.bincount(clip, minlength=n), 1)[:, np.newaxis]


def nested_probabilities(logits: Floats, labels: Labels, fold: Labels) -> Floats:
    """Return probabilities with, in each fold, the temperature fitted on the other folds."""
    out = np.zeros_like(logits)
    for k in np.unique(fold):
        temperature = statistics.fit_temperature(logits[fold != k], labels[fold != k])
        out[fold == k] = softmax(logits[fold == k] / temperature, axis=1)
    return out


def figures(logits: Floats, labels: Labels, fold: Labels) -> dict[str, float]:
    """Return the figures of out-of-fold logits (n, 7), before and after the nested temperature."""
    predicted = logits.argmax(axis=1)
    after = nested_probabilities(logits, labels, fold)
    return {
        "n": float(len(labels)),
        "accuracy": statistics.accuracy(labels, predicted),
        "uar": statistics.uar(labels, predicted),
        "macro_f1": statistics.macro_f1(labels, predicted),
        "weighted_f1": statistics.weighted_f1(labels, predicted),
        "nll": statistics.nll(after, labels),
        "brier": statistics.brier(after, labels),
        "ece_before": statistics.ece(softmax(logits, axis=1), labels),
        "ece": statistics.ece(after, labels),
    }
