"""Lines spoken by espeak-ng and laid on the timeline of the call."""

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from screenplay import TAIL_S, VOICES, Line

RATE_HZ = 16_000
LEVEL = 0.05  # root mean square of a plain line, full scale is 1
ROOM = 10 ** (-72 / 20)  # noise of the customer's room
EDGE = 0.02  # below this share of the loudest, a line has not begun or is over
Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Spoken:
    """A line with its place in the call."""

    line: Line
    start_s: float
    samples: Samples

    @property
    def end_s(self) -> float:
        """Where the line ends."""
        return self.start_s + len(self.samples) / RATE_HZ


def perform(lines: Sequence[Line]) -> list[Spoken]:
    """Speak all lines one after the other; starts are whole hundredths of a second."""
    performed: list[Spoken] = []
    for line in lines:
        before = performed[-1].end_s if performed else 0.0
        performed.append(Spoken(line, round(before + line.pause_s, 2), speak(line)))
    return performed


def speak(line: Line) -> Samples:
    """Return one line as mono samples without silence at its ends."""
    prosody = line.prosody
    markup = f'<speak><prosody range="{prosody.range_percent}%">{escape(line.words)}</prosody></speak>'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        command = ["espeak-ng", "-m", "-v", VOICES[line.who], "-p", str(prosody.pitch)]
        command += ["-s", str(prosody.words_per_minute), "-w", str(path), markup]
        subprocess.run(command, check=True)
        samples, rate_hz = soundfile.read(path, dtype="float64")
    samples = soxr.resample(samples, rate_hz, RATE_HZ, quality="VHQ")
    loud = np.flatnonzero(np.abs(samples) > EDGE * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    gain = LEVEL * 10 ** (prosody.gain_db / 20) / np.sqrt(np.mean(samples**2))
    return np.tanh(samples * gain)  # soft limit of the loudest peaks


def track(performed: Sequence[Spoken], who: str, noise: bool) -> NDArray[np.int16]:
    """Return one party's sound over the whole call as 16-bit samples."""
    total = round((performed[-1].end_s + TAIL_S) * RATE_HZ)
    mixed = np.random.default_rng(7).normal(0.0, ROOM, total) if noise else np.zeros(total)
    for spoken in performed:
        if spoken.line.who == who:
            first = round(spoken.start_s * RATE_HZ)
            mixed[first : first + len(spoken.samples)] += spoken.samples
    return np.rint(mixed * 32767).clip(-32768, 32767).astype(np.int16)
