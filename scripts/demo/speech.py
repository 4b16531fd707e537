"""Lines spoken by a synthesiser and laid on the timeline of the call.

The voice is hibari's "heart": the network gives the spectrum of every 12.5 ms and the pitch, from which the
sound is made here with another pitch, tilt or length of the vocal tract.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import soxr
from hibari import Hibari, dsp
from numpy.typing import NDArray
from screenplay import TAIL_S, Line, Prosody

RATE_HZ = 16_000
LEVEL = 0.05  # root mean square of a plain line, full scale is 1
ROOM = 10 ** (-72 / 20)  # noise of the customer's room
EDGE = 0.02  # below this share of the loudest, a line has not begun or is over
BIN_HZ = dsp.SR / dsp.N_FFT
TILT_FROM_HZ, TILT_LEAST_HZ = 500.0, 100.0
VOICED_HZ = 40.0
Samples = NDArray[np.float64]
Spectrum = NDArray[np.float32]  # (601, frames)


@dataclass(frozen=True)
class Voice:
    """A speaker: factors of the pitch, and of the frequencies that the vocal tract passes."""

    pitch: float = 1.0
    formants: float = 1.0


VOICES = {"customer": Voice(), "agent": Voice(pitch=0.56, formants=0.86)}


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
    voice, prosody = VOICES[line.who], line.prosody
    sentences = [_sentence(phonemes, voice, prosody) for phonemes in _network().phonemize(line.words)]
    samples = soxr.resample(np.concatenate(sentences).astype(np.float64), dsp.SR, RATE_HZ, quality="VHQ")
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


def loudness(sound: NDArray[np.int16], per_second: int) -> NDArray[np.float64]:
    """Return the root mean square of the sound so many times a second, the loudest is 1."""
    length = RATE_HZ // per_second
    frames = sound[: len(sound) // length * length].reshape(-1, length).astype(np.float64)
    levels = np.sqrt((frames**2).mean(axis=1))
    return np.minimum(1.0, levels / np.quantile(levels, 0.98))


@cache
def _network() -> Hibari:
    return Hibari()


def _sentence(phonemes: str, voice: Voice, prosody: Prosody) -> NDArray[np.float32]:
    network = _network()
    inputs = {
        "ids": np.array([network.ids(phonemes)], np.int64),
        "speed": np.array([prosody.speed], np.float32),
    }
    harmonic, turn, noise, free, phase, f0 = (part[0] for part in network.sess.run(None, inputs))
    harmonic, turn, noise, free = (_stretched(part, voice.formants) for part in (harmonic, turn, noise, free))
    octaves = np.log2(np.maximum(np.arange(len(harmonic)) * BIN_HZ, TILT_LEAST_HZ) / TILT_FROM_HZ)
    tilt = (prosody.tilt_db * octaves * np.log(10) / 20)[:, np.newaxis].astype(np.float32)
    voiced = f0 > VOICED_HZ
    usual = np.exp(np.log(f0[voiced]).mean())
    f0[voiced] = usual * voice.pitch * prosody.pitch * (f0[voiced] / usual) ** prosody.melody
    return dsp.synth(harmonic + tilt, turn, noise + tilt, free + tilt, phase, f0, np.random.default_rng(7))


def _stretched(spectrum: Spectrum, factor: float) -> Spectrum:
    """Return a spectrum with its frequencies multiplied."""
    at = np.minimum(np.arange(len(spectrum)) / factor, len(spectrum) - 1)
    below = np.minimum(at.astype(int), len(spectrum) - 2)
    share = (at - below)[:, np.newaxis].astype(np.float32)
    return spectrum[below] * (1 - share) + spectrum[below + 1] * share
