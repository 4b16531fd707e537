"""The silence gates on what is not speech and on speech: the audio worker's, and the speech detector.

Windows of two seconds, as chunks hold them. What is not speech is made here: noises, tones and chords as
telephones carry them. Speech is that of acted corpora and of one-word recordings by telephones, as recorded
and by a telephone of 8 kHz.
"""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from affectstream.models.asr.speech import FRAME_MS, SpeechDetector
from affectstream.models.voice.quality import Floats, is_silent
from benchmarks.asr import Recording, telephone
from benchmarks.measure import Row

WINDOW_S = 2
RATES_HZ = 16_000, 8_000
LEVELS_DBFS = -35, -20
OF_EACH = 8  # sounds of a kind and level
RARER = 20  # clips are of a corpus in the small form
EVERY = {"ravdess": 12, "tess": 40, "nemo": 60, "turev": 30, "emospeech": 14}  # clip of a corpus
SPEECH, SPEECH_MS = 0.5, 200  # probability in a frame, and how much of it makes a window speech
UNSURE = 0.1  # no frame above this: surely none

Gate = Callable[[Floats, int], bool]


def rows(small: bool) -> Iterator[Row]:
    """Yield how much each gate takes for silence."""
    detector = SpeechDetector()

    def by_detector(samples: Floats, rate_hz: int) -> bool:
        return int((detector.probabilities(samples, rate_hz) >= SPEECH).sum()) * FRAME_MS < SPEECH_MS

    def by_both(samples: Floats, rate_hz: int) -> bool:
        surely_none = float(detector.probabilities(samples, rate_hz).max(initial=0.0)) < UNSURE
        return is_silent(samples, rate_hz) or surely_none

    gates: dict[str, Gate] = {"energy": is_silent, "detector": by_detector, "energy or no trace": by_both}
    for what, windows in _kinds(small):
        for name, gate in gates.items():
            silent = np.mean([gate(samples, rate_hz) for samples, rate_hz in windows])
            yield Row(f"taken for silence by {name}: {what}", 100 * float(silent), f"% of {len(windows)}")


def _kinds(small: bool) -> Iterator[tuple[str, list[tuple[Floats, int]]]]:
    for rate_hz in RATES_HZ:
        rng = np.random.default_rng(0)
        for name, make in SOUNDS.items():
            made = [make(rng, rate_hz) for _ in LEVELS_DBFS for _ in range(OF_EACH)]
            levels = [level for level in LEVELS_DBFS for _ in range(OF_EACH)]
            windows = [(at_level(sound, level), rate_hz) for sound, level in zip(made, levels, strict=True)]
            yield f"{name}, {rate_hz // 1000} kHz", windows
    if data := os.environ.get("AFFECT_DATA"):
        for corpus, every in EVERY.items():
            clips = list(_clips(Path(data) / corpus, every * RARER if small else every))
            yield f"speech of {corpus}", [(clip.samples, clip.rate_hz) for clip in clips]
            narrow = [telephone(clip) for clip in clips]
            yield f"speech of {corpus} by telephone", [(clip.samples, clip.rate_hz) for clip in narrow]


def _clips(folder: Path, every: int) -> Iterator[Recording]:
    """Yield the middle two seconds of clips, padded where they are shorter."""
    for line in list(csv.DictReader((folder / "labels.csv").open(encoding="utf-8")))[::every]:
        samples, rate_hz = soundfile.read(folder / line["path"], dtype="float32")
        missing = max(0, WINDOW_S * rate_hz - len(samples))
        samples = np.pad(samples, (missing // 2, missing - missing // 2))
        first = (len(samples) - WINDOW_S * rate_hz) // 2
        yield Recording(samples[first : first + WINDOW_S * rate_hz], rate_hz, "")


def at_level(sound: Floats, level_dbfs: float) -> Floats:
    """Return a sound at a level below full scale."""
    return np.asarray(sound / np.sqrt(np.mean(np.square(sound))) * 10 ** (level_dbfs / 20), np.float32)


def _time(rate_hz: int) -> Floats:
    return np.arange(WINDOW_S * rate_hz) / rate_hz


def _coloured(rng: np.random.Generator, rate_hz: int) -> Floats:
    """White, pink or brown noise."""
    count = WINDOW_S * rate_hz
    hz = np.maximum(np.fft.rfftfreq(count), 1 / count)
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) / hz ** rng.choice([0, 0.5, 1]), count)


def _tones(rate_hz: int, *hz: float) -> Floats:
    return sum((np.sin(2 * np.pi * each * _time(rate_hz)) for each in hz), np.zeros(WINDOW_S * rate_hz))


def _line(rng: np.random.Generator, rate_hz: int) -> Floats:
    return 1e-3 * rng.standard_normal(WINDOW_S * rate_hz)


def _ringing(rng: np.random.Generator, rate_hz: int) -> Floats:
    on = (_time(rate_hz) + rng.uniform(0, 6)) % 6 < 2
    return _tones(rate_hz, 440, 480) * on + _line(rng, rate_hz)


def _busy(rng: np.random.Generator, rate_hz: int) -> Floats:
    return _tones(rate_hz, 480, 620) * ((_time(rate_hz) + rng.uniform()) % 1 < 0.5) + _line(rng, rate_hz)


def _dialling(rng: np.random.Generator, rate_hz: int) -> Floats:
    sound, at = _line(rng, rate_hz), _time(rate_hz)
    for digit in range(6):
        key = _tones(rate_hz, rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477]))
        sound += key * ((at >= 0.33 * digit) & (at < 0.33 * digit + 0.12))
    return sound


def _chords(rng: np.random.Generator, rate_hz: int) -> Floats:
    sound, at = _line(rng, rate_hz), _time(rate_hz)
    for beat in range(5):
        since, root = np.maximum(at - 0.4 * beat, 0), 220 * 2 ** (rng.integers(12) / 12)
        partials = [(root * 2 ** (step / 12) * h, h**-1.5) for step in (0, 4, 7, 12) for h in (1, 2, 3, 4)]
        chord = sum((gain * np.sin(2 * np.pi * hz * since) for hz, gain in partials), np.zeros(len(at)))
        sound += chord * np.exp(-2.5 * since) * (at >= 0.4 * beat)
    return sound


def _clicks(rng: np.random.Generator, rate_hz: int) -> Floats:
    sound = _line(rng, rate_hz)
    for first in rng.integers(0, len(sound) - 150, 10):
        sound[first : first + 150] += rng.standard_normal(150) * np.exp(-np.arange(150) / 30)
    return sound


SOUNDS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "steady noise": _coloured,
    "hum": lambda rng, rate_hz: _tones(rate_hz, 50, 100, 150) + 10 * _line(rng, rate_hz),
    "ringing tone": _ringing,
    "busy tone": _busy,
    "dialling tones": _dialling,
    "chords, as of hold music": _chords,
    "clicks": _clicks,
}
