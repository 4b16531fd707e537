"""Sounds that are no speech, made by rule: what a voice model must not read an emotion from.

They are loud, uneven and partly harmonic, so that the gate for silence lets many of them through.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, chirp, sosfilt

Samples = npt.NDArray[np.float32]
Generator = np.random.Generator

RATE_HZ = 16_000
SECONDS = 2.0
TIME_S = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
KEYPAD_HZ = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))
SCALE = np.array([0, 2, 4, 5, 7, 9, 11, 12])  # semitones of a major scale
PEAK = 0.5


def noise(rng: Generator) -> Samples:
    """Return noise of a random colour that swells and fades."""
    swell = 1 + rng.uniform(0, 1) * np.sin(2 * np.pi * rng.uniform(0.2, 4) * TIME_S + rng.uniform(0, 6))
    return _level(coloured(rng, rng.uniform(-1.5, 0.5)) * swell)


def tones(rng: Generator) -> Samples:
    """Return the tones of a telephone network: ringing, engaged, a beep, or keys."""
    x = np.zeros(len(TIME_S))
    on_s, off_s = rng.uniform(0.08, 0.6, 2)
    gate = (TIME_S + rng.uniform(0, 1)) % (on_s + off_s) < on_s
    pairs = [rng.choice(KEYPAD_HZ[0]), rng.choice(KEYPAD_HZ[1])] if rng.random() < 0.5 else [425, 450]
    for hz in pairs if rng.random() < 0.7 else [rng.uniform(300, 2500)]:
        x += np.sin(2 * np.pi * hz * TIME_S)
    return _level(x * gate + 0.003 * rng.standard_normal(len(x)))


def music(rng: Generator) -> Samples:
    """Return plucked notes over a bass and a drum, as on hold."""
    x, beat_s = np.zeros(len(TIME_S)), rng.uniform(0.15, 0.5)
    root_hz, bright = rng.uniform(110, 330), rng.uniform(0.5, 1.5)
    for onset_s in np.arange(0, SECONDS, beat_s):
        for semitones in rng.choice(SCALE, rng.integers(1, 4)):
            x += _note(onset_s, root_hz * 2 ** (semitones / 12), rng.uniform(2, 8), bright)
        x += 0.8 * _note(onset_s, root_hz / 2, 4, 2)
        if rng.random() < 0.6:
            x += 0.3 * rng.standard_normal(len(x)) * _decay(onset_s, 30)
    return _level(x)


def calls_of_birds(rng: Generator) -> Samples:
    """Return short sweeps of a pure or harmonic voice, as of birds and alarms."""
    x = np.zeros(len(TIME_S))
    low_hz, high_hz = np.sort(rng.uniform(800, 5000, 2))
    for onset_s in np.cumsum(rng.uniform(0.1, 0.5, 12)):
        length_s = rng.uniform(0.05, 0.25)
        here = (onset_s <= TIME_S) & (onset_s + length_s > TIME_S)
        x[here] += chirp(TIME_S[here] - onset_s, low_hz, length_s, high_hz)
    return _level(x + 0.005 * rng.standard_normal(len(x)))


def knocks(rng: Generator) -> Samples:
    """Return knocks, keys and rattling: short bursts through a resonance."""
    x = np.zeros(len(TIME_S))
    for onset_s in np.cumsum(rng.uniform(0.05, 0.4, 20)):
        x += rng.uniform(0.3, 1) * rng.standard_normal(len(x)) * _decay(onset_s, rng.uniform(30, 150))
    low_hz = rng.uniform(150, 2500)
    return _level(sosfilt(butter(2, [low_hz, low_hz * 1.6], "bandpass", fs=RATE_HZ, output="sos"), x))


def engine(rng: Generator) -> Samples:
    """Return a motor, a fan or a vacuum cleaner: many harmonics of a low tone that drifts, in noise."""
    drift = 1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.1, 1.5) * TIME_S + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(rng.uniform(30, 180) * drift) / RATE_HZ
    x = sum(np.sin(k * phase + rng.uniform(0, 6)) / k ** rng.uniform(0.3, 1.2) for k in range(1, 25))
    return _level(x * (0.6 + 0.4 * drift) + rng.uniform(0.1, 1) * coloured(rng, -1.0))


SOUNDS: dict[str, Callable[[Generator], Samples]] = {
    "noise": noise,
    "tones": tones,
    "music": music,
    "birds and alarms": calls_of_birds,
    "knocks": knocks,
    "engines": engine,
}


def coloured(rng: Generator, slope: float) -> npt.NDArray[np.float64]:
    """Return noise (32000,) of unit variance whose amplitude goes with the frequency to the ``slope``."""
    hz = np.fft.rfftfreq(len(TIME_S), 1 / RATE_HZ)
    x = np.fft.irfft(np.fft.rfft(rng.standard_normal(len(TIME_S))) * (hz + 20) ** slope, len(TIME_S))
    return np.asarray(x / x.std())


def _note(onset_s: float, hz: float, decay: float, dull: float) -> npt.NDArray[np.float64]:
    partials = sum(np.sin(2 * np.pi * k * hz * TIME_S) / k ** (1 + dull) for k in range(1, 9))
    return np.asarray(partials * _decay(onset_s, decay))


def _decay(onset_s: float, rate: float) -> npt.NDArray[np.float64]:
    since_s = np.maximum(TIME_S - onset_s, 0)
    return np.where(onset_s <= TIME_S, np.exp(-rate * since_s), 0.0)


def _level(x: npt.NDArray[np.float64]) -> Samples:
    return np.asarray(PEAK * x / max(float(np.abs(x).max()), 1e-9), dtype=np.float32)
