"""A sound that the speech gate takes for speech: sums of sines in the rhythm of syllables, as a WAV file."""

import wave
from pathlib import Path

import numpy as np

RATE = 8_000


def write(path: Path, seconds: float, pitch_hz: float = 140.0) -> Path:
    """Write two syllables a second, mono, 16 bit; returns the path."""
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.08 * np.sin(2 * np.pi * 0.7 * t))) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 12) if k * pitch_hz * 1.1 < RATE / 2)
    loud = 0.25 * np.clip(np.sin(2 * np.pi * 2.0 * t), 0.0, None)
    samples = np.clip(loud * tone, -1.0, 1.0)
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return path
