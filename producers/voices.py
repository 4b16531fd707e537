"""One voice or two on a track of sound: how far stretches of speech fall apart into two voices, and pauses.

Each stretch of about a second of speech is described by its mean cepstrum and its pitch, which are projected
on the directions in which speakers differ most from each other (Fisher's discriminant). Two clusters of
stretches that lie far apart are two voices, or one in two moods. So pauses count too: the track of one party
of a call has many, in which the other one speaks, and a mixture of both has few.
"""

import math
from collections import Counter
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray

from affectstream.producers import audio
from affectstream.producers.media import MediaFile

RATE_HZ = 8_000
FRAME, HOP, PITCH_FRAME, FFT = 200, 160, 320, 1024  # samples
BANDS, BAND_HZ = 26, (200.0, 3600.0)
COEFFICIENTS = 19
PITCH_HZ = (70.0, 400.0)
VOICED = 0.6  # autocorrelation at the pitch
SPEECH_DB, FLOOR_DBFS = 25.0, -55.0  # below the loudest frames, and at all
JOINED_FRAMES = 12  # of a gap within one stretch
STRETCH_FRAMES, LEAST_VOICED = 60, 15
BLOCK_FRAMES = 2_000
LONGEST_S = 600  # of a recording are looked at
LEAST_STRETCHES = 10
LEAST_SHARE = 0.15  # of the stretches are the second voice's
PAUSE_S = 1.5
MOST_PAUSES = 0.3  # of the time, on a track of both parties
APART = 1.35
# Fisher's axes, as `lab.voices` fits them: rows are 19 cepstral coefficients and the logarithm of the pitch
AXES = (
    (-0.05237, -0.02472, 0.02551),
    (-0.0256, 0.003937, 0.1118),
    (0.03895, -0.01687, -0.04072),
    (0.05087, 0.2495, 0.04027),
    (0.03541, -0.06978, -0.1523),
    (0.03215, 0.165, -0.1613),
    (-0.05157, -0.07735, -0.1253),
    (0.1179, -0.09255, 0.2855),
    (-0.1725, 0.09763, 0.01006),
    (0.1326, -0.09981, -0.1213),
    (-0.2165, 0.06425, 0.02649),
    (0.1361, -0.09079, -0.07696),
    (-0.1168, -0.01623, -0.02767),
    (0.1262, 0.03571, 0.07706),
    (-0.08972, -0.09333, -0.07882),
    (-0.04996, 0.000145, -0.08197),
    (-0.002071, 0.1275, 0.05964),
    (0.06171, -0.05592, -0.04178),
    (-0.02804, 0.1405, -0.07848),
    (-2.852, -0.4335, 0.4499),
)

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]


class Voices(NamedTuple):
    """What a track says about its voices."""

    stretches: int
    apart: float  # distance of the two clusters, in their own spread
    pauses: float  # share of the time

    @property
    def mixed(self) -> bool:
        """Say whether two voices speak on the track."""
        enough = self.stretches >= LEAST_STRETCHES
        return enough and self.pauses < MOST_PAUSES and self.apart > APART


@lru_cache(maxsize=8)
def voices(file: MediaFile) -> Voices:
    """Return what the first ten minutes of a recording, all channels mixed, say about its voices."""
    blocks: list[Samples] = []
    narrow: soxr.ResampleStream | None = None
    for rate_hz, block in audio.signal(file, None, Counter()):
        narrow = narrow or soxr.ResampleStream(rate_hz, RATE_HZ, 1)
        blocks.append(narrow.resample_chunk(block))
        if sum(map(len, blocks)) > LONGEST_S * RATE_HZ:
            break
    return judged(np.concatenate(blocks)) if blocks else Voices(0, 0.0, 1.0)


def judged(samples: Samples) -> Voices:
    """Return what mono samples at 8 kHz say about their voices."""
    if len(samples) < RATE_HZ:
        return Voices(0, 0.0, 1.0)
    speech = np.flatnonzero(_speech(samples))
    gaps = np.diff(np.concatenate([[0], speech, [len(samples) // HOP]]))
    pauses = float(gaps[gaps * HOP > PAUSE_S * RATE_HZ].sum() * HOP / len(samples))
    found = stretches(samples)
    return Voices(len(found), apart(found @ np.asarray(AXES)), pauses)


def apart(points: Floats) -> float:
    """Return how far the two clusters of points (n, axes) lie apart: 0 where there are no two."""
    if len(points) < 2:
        return 0.0
    centred = points - points.mean(axis=0)
    second = centred @ np.linalg.svd(centred, full_matrices=False)[2][0] > 0
    for _ in range(20):
        if not second.any() or second.all():
            return 0.0
        centres = np.stack([centred[~second].mean(axis=0), centred[second].mean(axis=0)])
        second = np.square(centred[:, None] - centres).sum(axis=2).argmin(axis=1) == 1
    share = float(second.mean())
    if not LEAST_SHARE <= share <= 1 - LEAST_SHARE:
        return 0.0
    between = share * (1 - share) * float(np.square(centres[0] - centres[1]).sum())
    within = float(np.square(centred - centres[second.astype(int)]).sum(axis=1).mean())
    return between / float(np.sqrt(within + 1e-9))


def stretches(samples: Samples) -> Floats:
    """Return the mean cepstrum and the logarithm of the pitch (n, 20) of each stretch of speech."""
    speech = np.flatnonzero(_speech(samples))
    if not len(speech):
        return np.zeros((0, COEFFICIENTS + 1))
    cepstra, (pitch, voiced) = _cepstra(samples), _pitch(samples)
    found = []
    for run in np.split(speech, np.flatnonzero(np.diff(speech) > JOINED_FRAMES) + 1):
        for part in np.array_split(run, max(1, round(len(run) / STRETCH_FRAMES))):
            own = part[voiced[part]]
            if len(own) >= LEAST_VOICED:
                found.append(np.append(cepstra[own].mean(axis=0), np.median(pitch[own])))
    return np.array(found).reshape(-1, COEFFICIENTS + 1)


def _frames(samples: Samples, length: int = FRAME) -> Samples:
    """Return the frames (n, length), centred every ``HOP`` samples."""
    count, pad = (len(samples) - FRAME) // HOP + 1, (length - FRAME) // 2
    padded = np.pad(samples, (pad, pad))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::HOP][:count]


def _speech(samples: Samples) -> NDArray[np.bool_]:
    level = 10 * np.log10(np.mean(np.square(_frames(samples), dtype=np.float64), axis=1) + 1e-10)
    return np.asarray(level > max(float(np.percentile(level, 95)) - SPEECH_DB, FLOOR_DBFS))


def _blocks(frames: Samples) -> list[Samples]:
    """Return the frames in blocks, so that ten minutes of spectra are not in memory at once."""
    return np.array_split(frames, max(1, len(frames) // BLOCK_FRAMES))


def _cepstra(samples: Samples) -> Floats:
    window = np.hamming(FRAME)
    waves = np.cos(np.pi * np.arange(1, COEFFICIENTS + 1)[:, None] * (np.arange(BANDS) + 0.5) / BANDS)
    power = [np.abs(np.fft.rfft(b * window, 256)) ** 2 @ _bands().T for b in _blocks(_frames(samples))]
    return np.asarray(np.log(np.concatenate(power) + 1e-8) @ waves.T)


@cache
def _bands() -> Floats:
    """Return triangular bands (bands, 129), evenly spaced on the mel scale."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in BAND_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(256, 1 / RATE_HZ)
    rise = (hz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - hz) / np.diff(edges)[1:, None]
    return np.asarray(np.maximum(0, np.minimum(rise, fall)))


def _pitch(samples: Samples) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the logarithm of the pitch of each frame, and whether it is voiced, by autocorrelation."""
    longest, shortest = (int(RATE_HZ / hz) for hz in PITCH_HZ)
    taper = 1 - np.arange(longest + 1) / PITCH_FRAME
    at, height = [], []
    for frames in _blocks(_frames(samples, PITCH_FRAME)):
        power = np.abs(np.fft.rfft(frames - frames.mean(axis=1, keepdims=True), FFT)) ** 2
        lags = np.fft.irfft(power)[:, : longest + 1]
        lags = (lags / (lags[:, :1] + 1e-9) / taper)[:, shortest:]
        at.append(lags.argmax(axis=1) + shortest)
        height.append(lags.max(axis=1))
    return np.log(RATE_HZ / np.concatenate(at)), np.concatenate(height) > VOICED
