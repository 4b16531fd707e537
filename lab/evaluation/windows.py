"""Windows of recorded clips: two seconds over the spoken part, or as the stream cuts them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from librosa.effects import trim

from affectstream.lab.datasets.ravdess import load
from affectstream.lab.datasets.ravdess_video import Take
from affectstream.lab.evaluation.degrade import Speech
from affectstream.lab.statistics import Floats, Labels
from affectstream.models.voice import features
from affectstream.models.voice.quality import is_silent
from affectstream.schemas.errors import InputError

Samples = npt.NDArray[np.float32]
Span = tuple[float, float]  # start and end in seconds
Spans = Callable[[Samples, int], list[Span]]  # of samples and their rate

TRIM_DB = 35.0
MARGIN_S = 0.25
STEP_S = 0.5
HOP_S = 1.0  # of the stream: what a chunk is about, the last second of its window


@dataclass(frozen=True)
class Windows:
    """Prepared windows of clips."""

    inputs: Samples  # (windows, 80, 200)
    clip: Labels  # (windows,) row of the clip


def clip_spans(samples: Samples, rate_hz: int) -> list[Span]:
    """Return two-second windows, at most 0.5 s apart, over the spoken part; they may exceed the clip."""
    _, (first, last) = trim(samples, top_db=TRIM_DB)
    span = max((last - first) / rate_hz + 2 * MARGIN_S, features.WINDOW_S)
    begin = (first + last) / 2 / rate_hz - span / 2
    count = int(np.ceil((span - features.WINDOW_S) / STEP_S)) + 1
    starts = np.linspace(begin, begin + span - features.WINDOW_S, count)
    return [(float(start), float(start) + features.WINDOW_S) for start in starts]


def stream_spans(samples: Samples, rate_hz: int) -> list[Span]:
    """Return the windows of the stream that are not silent: one for every hop, ending with it.

    The first has no context before its hop, so it is shorter than two seconds; the last ends with the clip.
    """
    length_s = len(samples) / rate_hz
    ends = [*np.arange(HOP_S, length_s, HOP_S), length_s]
    spans = [(max(0.0, float(end) - features.WINDOW_S), float(end)) for end in ends]
    return [span for span in spans if not is_silent(cut(samples, rate_hz, span), rate_hz)]


def cut(samples: Samples, rate_hz: int, span: Span) -> Samples:
    """Return the samples of ``span``, zeros where it reaches beyond the clip."""
    begin, length = round(span[0] * rate_hz), round((span[1] - span[0]) * rate_hz)
    window = np.zeros(length, np.float32)
    part = samples[max(0, begin) : max(0, begin + length)]
    window[max(0, -begin) : max(0, -begin) + len(part)] = part
    return window


def windows(clips: Iterable[Any], spans: Spans, conditions: Iterable[Speech]) -> Windows:
    """Return the windows of ``clips``, each under its condition, where the clean clip has its speech.

    Clips are records of any reader of speech. Raises InputError where all of them are silent.
    """
    inputs, rows = [], []
    for row, (clip, condition) in enumerate(zip(clips, conditions, strict=False)):
        samples, rate_hz = _heard(clip)
        degraded, degraded_hz = condition(samples, rate_hz)
        for span in spans(samples, rate_hz):
            inputs.append(features.features(cut(degraded, degraded_hz, span), degraded_hz))
            rows.append(row)
    if not inputs:
        raise InputError("every clip is silent")
    return Windows(np.stack(inputs), np.array(rows, dtype=np.int64))


def _heard(clip: Any) -> tuple[Samples, int]:
    if isinstance(clip, Take):
        sound = clip.hear()
        return sound.samples, sound.rate_hz
    return load(clip.path)


def per_clip(rows: Floats, clip: Labels, n: int) -> Floats:
    """Return the mean (n, size) of the rows of each clip's windows; a clip without any gets zeros."""
    total = np.zeros((n, rows.shape[1]))
    np.add.at(total, clip, rows)
    return total / np.maximum(np.bincount(clip, minlength=n), 1)[:, np.newaxis]
