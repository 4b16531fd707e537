"""Two-second windows of recorded clips: over the spoken part, or as the stream cuts them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from librosa.effects import trim

from affectstream.lab.datasets.ravdess import Clip, load
from affectstream.lab.evaluation.degrade import Speech
from affectstream.lab.statistics import Floats, Labels
from affectstream.models.voice import features
from affectstream.models.voice.quality import is_silent

Samples = npt.NDArray[np.float32]
Starts = Callable[[Samples, int], list[float]]  # samples and their rate to starts in seconds

TRIM_DB = 35.0
MARGIN_S = 0.25
STEP_S = 0.5
STREAM_STEP_S = 1.0


@dataclass(frozen=True)
class Windows:
    """Prepared windows of clips."""

    inputs: Samples  # (windows, 1, 64, 126)
    clip: Labels  # (windows,) row of the clip


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


def windows(clips: Iterable[Clip], starts: Starts, conditions: Iterable[Speech]) -> Windows:
    """Return the windows of ``clips``, each under its condition, where the clean clip has its speech."""
    inputs, rows = [], []
    for row, (clip, condition) in enumerate(zip(clips, conditions, strict=False)):
        samples, rate_hz = load(clip.path)
        degraded, degraded_hz = condition(samples, rate_hz)
        for start in starts(samples, rate_hz):
            inputs.append(features.features(cut(degraded, degraded_hz, start), degraded_hz))
            rows.append(row)
    return Windows(np.stack(inputs), np.array(rows, dtype=np.int64))


def per_clip(logits: Floats, clip: Labels, n: int) -> Floats:
    """Return the mean logits (n, 7) of each clip's windows; a clip without any gets zeros."""
    total = np.zeros((n, logits.shape[1]))
    np.add.at(total, clip, logits)
    return total / np.maximum(np.bincount(clip, minlength=n), 1)[:, np.newaxis]
