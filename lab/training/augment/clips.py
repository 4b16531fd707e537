"""Speech features of the reference networks, plain and augmented.

The changes are those of the reference systems: time stretched by up to 10 %, pitch moved by up to two
semitones, white noise at 15 dB. They are made once; SpecAugment is drawn anew for every batch.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
import soxr
import torch
from librosa.effects import pitch_shift, time_stretch, trim
from torch import Generator, Tensor

from affectstream.lab.datasets import ravdess
from affectstream.lab.training.files import arrays, whole
from affectstream.lab.training.networks.voice import RATE_HZ, frame_features

Floats = npt.NDArray[np.float32]
Extract = Callable[[Floats], Floats]  # samples at RATE_HZ to features

SECONDS = 3.0
SAMPLES = int(SECONDS * RATE_HZ)
TRIM_DB = 35.0
STRETCH, SEMITONES, SNR_DB = 0.1, 2.0, 15.0
MEL_RATE_HZ, N_FFT, HOP_SAMPLES = 16_000, 1024, 256
VARIANTS = 4  # plain, stretched, moved in pitch, noisy
RANGE_DB = 60.0  # what lies further below the loudest bin is cut off
MASKS, MASK_SHARE = 2, 0.12  # of the rows and of the frames, at most, by each mask


def prepared(
    clips: Sequence[ravdess.Clip], extract: Extract, cache: Path, heard: Callable[[], None]
) -> Floats:
    """Return the features (clips, VARIANTS, rows, frames), made once and kept in the file ``cache``.

    ``heard`` is called after every clip.
    """
    if cache.exists():
        kept = arrays(cache)
        if tuple(kept["sha256"]) == tuple(clip.sha256 for clip in clips):
            return np.asarray(kept["features"], dtype=np.float32)
    rng = np.random.default_rng(0)
    made = []
    for clip in clips:
        samples, rate_hz = ravdess.load(clip.path)
        y = np.asarray(soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ"), dtype=np.float32)
        made.append(np.stack([extract(fitted(variant)) for variant in variants(y, rng)]))
        heard()
    features = np.stack(made).astype(np.float16)
    sha256 = np.array([clip.sha256 for clip in clips])
    whole(cache, lambda path: np.savez(path, features=features, sha256=sha256))
    return features.astype(np.float32)


def variants(samples: Floats, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield the spoken part of ``samples`` at RATE_HZ: plain, stretched, moved in pitch and noisy."""
    spoken, _ = trim(samples, top_db=TRIM_DB)
    yield spoken
    yield time_stretch(spoken, rate=rng.uniform(1 - STRETCH, 1 + STRETCH))
    yield pitch_shift(spoken, sr=RATE_HZ, n_steps=rng.uniform(-SEMITONES, SEMITONES))
    yield noisy(spoken, SNR_DB, rng)


def noisy(samples: Floats, snr_db: float, rng: np.random.Generator) -> Floats:
    """Return ``samples`` with white noise whose power lies ``snr_db`` below theirs."""
    power = float(np.mean(samples**2)) * 10 ** (-snr_db / 10)
    return np.asarray(samples + rng.normal(0, np.sqrt(power), len(samples)), dtype=np.float32)


def fitted(samples: Floats) -> Floats:
    """Return exactly three seconds: a longer clip loses both its ends, a shorter one is padded."""
    missing = SAMPLES - len(samples)
    if missing < 0:
        return samples[-missing // 2 :][:SAMPLES]
    return np.pad(samples, (missing // 2, missing - missing // 2))


def frames_of(samples: Floats) -> Floats:
    """Return MFCC, zero-crossing rate and RMS (22, 130) of three seconds, as reference system 002."""
    return frame_features(samples, RATE_HZ)


def mel_of(samples: Floats, mels: int) -> Floats:
    """Return the mel spectrogram (mels, 188) of three seconds in [-1, 1]: 16 kHz, FFT of 1,024 points."""
    y = soxr.resample(samples, RATE_HZ, MEL_RATE_HZ, quality="HQ")
    power = librosa.feature.melspectrogram(
        y=y, sr=MEL_RATE_HZ, n_fft=N_FFT, hop_length=HOP_SAMPLES, n_mels=mels
    )
    return normalise(power)


def normalise(power: Floats) -> Floats:
    """Return mel power (..., mels, frames) in dB below its loudest bin, mapped from [-60, 0] to [-1, 1]."""
    level = 10.0 * np.log10(np.maximum(power, 1e-12))
    level -= level.max(axis=(-2, -1), keepdims=True)
    return np.asarray(np.maximum(level, -RANGE_DB) * (2.0 / RANGE_DB) + 1.0, dtype=np.float32)


def varied(rows: Tensor, rng: Generator, silence: float) -> Tensor:
    """Return one variant of each clip, masked: (n, VARIANTS, rows, frames) to (n, rows, frames).

    The masks, of a random place and width, are those of SpecAugment (Park et al., Interspeech 2019).
    """
    n, variants_, bands, frames = rows.shape
    chosen = torch.randint(variants_, (n,), generator=rng, device=rows.device)
    x = rows[torch.arange(n, device=rows.device), chosen].clone()
    for _ in range(MASKS):
        x = x.masked_fill(_mask(n, bands, rng)[:, :, None], silence)
        x = x.masked_fill(_mask(n, frames, rng)[:, None, :], silence)
    return x


def _mask(n: int, size: int, rng: Generator) -> Tensor:
    width = torch.rand(n, 1, generator=rng, device=rng.device) * MASK_SHARE * size
    start = torch.rand(n, 1, generator=rng, device=rng.device) * (size - width)
    place = torch.arange(size, device=rng.device)[None]
    return (place >= start) & (place < start + width)
