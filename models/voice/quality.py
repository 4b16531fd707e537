"""Voice activity and signal quality of a window.

Speech is detected by the energy, spectral flatness and dynamics of 20 ms frames: enough for line noise, hum
and digital silence to abstain, not to find the ends of words.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FRAME_S = 0.02
SPEECH_DBFS = -55.0  # frames below are never speech; the floor of telephone lines lies near -60 to -70
FLATNESS = 0.25  # speech frames are tonal: vowels lie below 0.1, noise near 0.5
RISE_DB = 6.0  # speech rises this far above the quietest frames of its window
MIN_SPEECH_S = 0.2
BAND_HZ = (150.0, 3400.0)  # where a telephone has content
FULL_SNR_DB = 25.0
FULL_LEVEL_DB = 15.0  # above SPEECH_DBFS
CLIPPED = 0.985
WORST_CLIPPING = 0.05  # share of clipped samples at which nothing is left of the quality


@dataclass(frozen=True)
class _Frames:
    level_dbfs: Floats  # (frames,)
    flatness: Floats  # (frames,) in (0, 1]


def is_silent(samples: Floats, rate_hz: int) -> bool:
    """Tell whether mono ``samples`` in [-1, 1] hold less than 0.2 s of anything like speech."""
    return len(samples) < rate_hz * MIN_SPEECH_S or _without_speech(_frames(samples, rate_hz))


def quality(samples: Floats, rate_hz: int) -> float:
    """Return the quality of the signal in [0, 1]: level x clean share x signal-to-noise ratio.

    Each factor is in [0, 1] and monotone: more level, less clipping and less noise never lower it. Silence
    has none.
    """
    if len(samples) < rate_hz * MIN_SPEECH_S:
        return 0.0
    frames = _frames(samples, rate_hz)
    if _without_speech(frames):
        return 0.0
    level = float(np.percentile(frames.level_dbfs, 90)) - SPEECH_DBFS
    clean = 1.0 - clipped_share(samples) / WORST_CLIPPING
    factors = (level / FULL_LEVEL_DB, clean, _snr_db(frames) / FULL_SNR_DB)
    return float(np.prod(np.clip(factors, 0.0, 1.0)))


def snr_db(samples: Floats, rate_hz: int) -> float:
    """Return the level of the loudest tenth of the frames over that of the quietest, in dB."""
    return _snr_db(_frames(samples, rate_hz))


def clipped_share(samples: Floats) -> float:
    """Return the share of samples at full scale."""
    return float((np.abs(samples) >= CLIPPED).mean()) if len(samples) else 0.0


def _without_speech(frames: _Frames) -> bool:
    return float(_speech(frames).sum()) * FRAME_S < MIN_SPEECH_S


def _snr_db(frames: _Frames) -> float:
    low, high = np.percentile(frames.level_dbfs, [10, 90])
    return float(high - low)


def _speech(frames: _Frames) -> npt.NDArray[np.bool_]:
    """Return per frame whether it may be speech."""
    floor = float(np.percentile(frames.level_dbfs, 5))
    if np.percentile(frames.level_dbfs, 95) - floor < RISE_DB:
        return np.zeros(len(frames.level_dbfs), dtype=np.bool_)  # stationary: hum, a tone, steady noise
    loud = frames.level_dbfs > max(SPEECH_DBFS, floor + RISE_DB / 2)
    return np.asarray(np.logical_and(loud, frames.flatness < FLATNESS))


def _frames(samples: Floats, rate_hz: int) -> _Frames:
    length = int(rate_hz * FRAME_S)
    rows = samples[: len(samples) // length * length].reshape(-1, length)  # (frames, length)
    level = 10.0 * np.log10(np.mean(np.square(rows, dtype=np.float64), axis=1) + 1e-12)
    power = np.abs(np.fft.rfft(rows * np.hanning(length), axis=1)) ** 2 + 1e-10
    hz = np.fft.rfftfreq(length, 1.0 / rate_hz)
    band = power[:, (hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])]
    flatness = np.exp(np.log(band).mean(axis=1)) / band.mean(axis=1)
    return _Frames(level.astype(np.float32), flatness.astype(np.float32))
