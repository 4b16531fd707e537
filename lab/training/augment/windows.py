"""Augmentation of speech windows for the shipped voice network.

Speed (pitch and tempo together) and the telephone are made once from the waveform; tempo, channel, noise and
masks are made anew for every batch from the mel powers, which costs a tenth of doing it on waveforms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr
import torch
from librosa.effects import trim
from torch import Tensor
from torch.nn import functional

from affectstream.lab.datasets import ravdess
from affectstream.lab.evaluation.degrade import through_telephone
from affectstream.lab.training.files import arrays, whole
from affectstream.lab.training.recipe import VoiceRecipe
from affectstream.models.voice import features

Floats = npt.NDArray[np.float32]

SPEEDS = (0.84, 0.89, 0.94, 1.0, 1.06, 1.12, 1.19)  # three semitones down to three up
MAX_FRAMES = 420  # 6.7 s: the slowest variant of the longest clip
SILENCE_DB = -100.0
TRIM_DB = 35.0
PEAK = 0.5
MARGIN, LOOSE_MARGIN = 12, 40  # frames by which a crop may miss the spoken part
MASK_MELS, MASK_FRAMES, MASKS = 8, 12, 2
TELEPHONE_BANDS = 45  # the bands below 4 kHz


@dataclass(frozen=True)
class Prepared:
    """Mel powers in dB of every clip at every speed, clean and through the telephone."""

    mel_db: npt.NDArray[np.float16]  # (clips, speeds, 2, 64, MAX_FRAMES)
    length: npt.NDArray[np.int64]  # (clips, speeds) frames
    spoken: npt.NDArray[np.int64]  # (clips, speeds, 2) first and last frame of speech


def prepare(clips: Sequence[ravdess.Clip], cache: Path) -> Prepared:
    """Return the prepared corpus, made once (minutes) and kept in ``cache``."""
    sha256 = np.array([clip.sha256 for clip in clips])
    if cache.exists():
        kept = arrays(cache)
        if np.array_equal(kept["sha256"], sha256):
            return Prepared(kept["mel_db"], kept["length"], kept["spoken"])  # type: ignore[arg-type]
    n = len(clips)
    made = Prepared(
        np.full((n, len(SPEEDS), 2, features.N_MELS, MAX_FRAMES), SILENCE_DB, np.float16),
        np.zeros((n, len(SPEEDS)), np.int64),
        np.zeros((n, len(SPEEDS), 2), np.int64),
    )
    rng = np.random.default_rng(0)
    for i, clip in enumerate(clips):
        _prepare_clip(made, i, features.resample(*ravdess.load(clip.path)), rng)
    kinds = {"mel_db": made.mel_db, "length": made.length, "spoken": made.spoken, "sha256": sha256}
    whole(cache, lambda path: np.savez(path, **kinds))  # type: ignore[arg-type]
    return made


def _prepare_clip(made: Prepared, i: int, samples: Floats, rng: np.random.Generator) -> None:
    for j, speed in enumerate(SPEEDS):
        varied = soxr.resample(samples, int(features.RATE_HZ * speed), features.RATE_HZ, quality="HQ")
        varied *= PEAK / np.abs(varied).max()
        _, (start, end) = trim(varied, top_db=TRIM_DB)
        gain = 10 ** (rng.uniform(-12, 5) / 20)
        for k, heard in enumerate((varied, through_telephone(varied * gain, features.RATE_HZ) / gain)):
            power = features.mel_power(heard.astype(np.float32))[:, :MAX_FRAMES]
            made.mel_db[i, j, k, :, : power.shape[1]] = 10 * np.log10(np.maximum(power, 1e-10))
        made.length[i, j] = power.shape[1]
        made.spoken[i, j] = start // features.HOP_SAMPLES, end // features.HOP_SAMPLES


class Variations:
    """Draws training batches from a prepared corpus."""

    def __init__(self, prepared: Prepared, recipe: VoiceRecipe, rng: np.random.Generator) -> None:
        """Take the generator that every choice is drawn from."""
        self._prepared, self._recipe, self._rng = prepared, recipe, rng
        self.noise_rng = torch.Generator().manual_seed(int(rng.integers(2**31)))

    def batch(self, rows: npt.NDArray[np.int64]) -> Tensor:
        """Return varied windows (batch, 1, 64, 126) of the clips in ``rows``."""
        phones = self._rng.random(len(rows)) < self._recipe.telephone
        level = torch.stack([self._crop(row, int(phone)) for row, phone in zip(rows, phones, strict=True)])
        power = self._noise(10 ** (self._channel(level) / 10), torch.from_numpy(phones))
        level = 10 * torch.log10(power + 1e-11)
        level -= level.amax(dim=(1, 2), keepdim=True)
        shown = level.clamp(min=-features.RANGE_DB) * (2 / features.RANGE_DB) + 1  # as features.normalise
        return self._mask(shown)[:, None]

    def _crop(self, row: int, phone: int) -> Tensor:
        """Return dB (64, 126) of a random two seconds around the speech, at a random speed and tempo."""
        rng, recipe = self._rng, self._recipe
        speed = rng.integers(len(SPEEDS))
        width = round(features.FRAMES * float(np.exp(rng.uniform(-recipe.tempo, recipe.tempo))))
        first, last = self._prepared.spoken[row, speed]
        margin = LOOSE_MARGIN if rng.random() < recipe.loose else MARGIN
        start = round(rng.uniform(min(first, last - width) - margin, max(first, last - width) + margin))
        end = min(self._prepared.length[row, speed], start + width)
        window = torch.full((features.N_MELS, width), SILENCE_DB)
        if end > max(0, start):
            part = self._prepared.mel_db[row, speed, phone, :, max(0, start) : end]
            window[:, max(0, -start) : end - start] = torch.from_numpy(part).float()
        return functional.interpolate(window[None], features.FRAMES, mode="linear")[0]

    def _curve(self, rows: int, knots: int) -> Tensor:
        """Return smooth random curves (rows, 64, 1) over the mel bands."""
        values = torch.randn(rows, 1, knots, generator=self.noise_rng)
        curve = functional.interpolate(values, features.N_MELS, mode="linear", align_corners=True)
        return curve.transpose(1, 2)

    def _sometimes(self, rows: int, share: float) -> Tensor:
        return (torch.rand(rows, 1, 1, generator=self.noise_rng) < share).float()

    def _channel(self, level_db: Tensor) -> Tensor:
        """Return ``level_db`` through a random microphone."""
        rows = len(level_db)
        curve = self._curve(rows, 5) * self._recipe.channel_db
        return level_db + curve * self._sometimes(rows, self._recipe.channel)

    def _noise(self, power: Tensor, phones: Tensor) -> Tensor:
        """Return ``power`` plus steady noise of a random colour and level, within the telephone's band."""
        rows = len(power)
        colour = 10 ** (0.8 * self._curve(rows, 4))
        colour[phones, TELEPHONE_BANDS:] = 0
        colour /= colour.mean(dim=1, keepdim=True)
        low, high = self._recipe.snr_db
        snr_db = torch.rand(rows, 1, 1, generator=self.noise_rng) * (high - low) + low
        level = power.mean(dim=(1, 2), keepdim=True) * 10 ** (-snr_db / 10)
        # the power of three averaged Gaussian pairs in each cell
        grain = -torch.rand(3, *power.shape, generator=self.noise_rng).clamp(min=1e-9).log().mean(dim=0)
        return power + colour * level * grain * self._sometimes(rows, self._recipe.noise)

    def _mask(self, shown: Tensor) -> Tensor:
        """Blank bands and stretches of time in place (SpecAugment, Park et al., Interspeech 2019)."""
        for window in shown:
            for _ in range(MASKS):
                mels, frames = self._rng.integers(0, (MASK_MELS + 1, MASK_FRAMES + 1))
                mel, frame = self._rng.integers(0, (features.N_MELS - mels, features.FRAMES - frames))
                window[mel : mel + mels] = -1
                window[:, frame : frame + frames] = -1
        return shown
