"""Variants of log-mel windows, made where the network computes: other throats, tempi, rooms and losses."""

import torch
from torch import Generator, Tensor
from torch.nn import functional

from affectstream.models.voice.features import LOUDEST, N_MELS, RANGE

QUIETEST = LOUDEST - RANGE / 4  # the value of silence
DECADE = 0.25  # of power, in the units of the features
WARP, SHIFT, TEMPO = 0.08, 0.05, 0.15  # of the frequencies, of their axis, and of the time, at most
GAINS, GAIN_DB = 6, 3.0  # of a microphone: control points and their deviation
FLOOR_DECADES = (1.0, 4.0)  # of noise, below the loudest bin
BANDS, POSITIONS, MASKS = 14, 40, 2  # of masks: widest, and how many of each kind
CHANGED, NOISY = 0.7, 0.3  # shares of the windows


def varied(x: Tensor, rng: Generator) -> Tensor:
    """Return one variant of each log-mel window (n, 80, 200), as normalised as they are.

    Vocal tract length and tempo are warped (Jaitly & Hinton, 2013), the response of a microphone is drawn,
    some get a floor of noise; masks are those of SpecAugment (Park et al., Interspeech 2019).
    """
    if not len(x):
        return x
    changed = torch.rand(len(x), 1, 1, generator=rng, device=x.device) < CHANGED
    made = torch.where(changed, _with_gains(_warped(x, rng), rng), x)
    made = _with_floor(made, rng)
    made = (made - made.amax(dim=(1, 2), keepdim=True) + LOUDEST).clamp_min(QUIETEST)
    for _ in range(MASKS):
        made = made.masked_fill(_mask(len(x), x.shape[1], BANDS, x.device, rng)[:, :, None], QUIETEST)
        made = made.masked_fill(_mask(len(x), x.shape[2], POSITIONS, x.device, rng)[:, None, :], QUIETEST)
    return made


def _uniform(n: int, most: float, like: Tensor, rng: Generator) -> Tensor:
    return (2 * torch.rand(n, generator=rng, device=like.device) - 1) * most


def _warped(x: Tensor, rng: Generator) -> Tensor:
    """Return ``x`` with stretched frequencies and time; what comes in from outside is silence."""
    n = len(x)
    theta = x.new_zeros(n, 2, 3)
    theta[:, 0, 0] = 1 + _uniform(n, TEMPO, x, rng)
    theta[:, 1, 1] = 1 + _uniform(n, WARP, x, rng)
    theta[:, 1, 2] = _uniform(n, SHIFT, x, rng)
    grid = functional.affine_grid(theta, [n, 1, *x.shape[1:]], align_corners=False)
    found = functional.grid_sample(x[:, None] - QUIETEST, grid, align_corners=False)
    return found[:, 0] + QUIETEST


def _with_gains(x: Tensor, rng: Generator) -> Tensor:
    gains = torch.randn(len(x), 1, GAINS, generator=rng, device=x.device) * (GAIN_DB / 10 * DECADE)
    curve = functional.interpolate(gains, N_MELS, mode="linear", align_corners=True)  # (n, 1, 80)
    return x + curve.transpose(1, 2)


def _with_floor(x: Tensor, rng: Generator) -> Tensor:
    n = len(x)
    low, high = FLOOR_DECADES
    below = low + (high - low) * torch.rand(n, 1, 1, generator=rng, device=x.device)
    noisy = torch.rand(n, 1, 1, generator=rng, device=x.device) < NOISY
    ripple = torch.randn(x.shape, generator=rng, device=x.device) * DECADE / 4
    floor = LOUDEST - below * DECADE + ripple
    return torch.where(noisy, torch.maximum(x, floor), x)


def _mask(n: int, size: int, widest: int, device: torch.device, rng: Generator) -> Tensor:
    width = torch.rand(n, 1, generator=rng, device=device) * widest
    start = torch.rand(n, 1, generator=rng, device=device) * (size - width)
    place = torch.arange(size, device=device)[None]
    return (place >= start) & (place < start + width)
