"""Augmentation of face crops: geometry, light, blur, noise and cover."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

DEGREES, STRETCH, SHEAR, SHIFT = 14.0, 0.07, 0.08, 0.09  # the shift as a share of half the side
SCALE, GAMMA, GAIN, LIFT, NOISE = 0.16, 0.5, 0.25, 0.12, 0.03


def augment(faces: Tensor, side: int, strength: float, rng: torch.Generator) -> Tensor:
    """Return (n, side, side) float faces, 0 to 255, from (n, 48, 48): moved, relit, blurred and hidden.

    ``strength`` scales how far and how often, except for the mirror, which is even always. ``faces`` and
    ``rng`` are of one device.
    """
    x = faces.to(torch.float32).unsqueeze(1)
    x = _warp(x, side, strength, rng)
    x = _soften(x, strength, rng)
    x = _relight(x, strength, rng)
    return _hide(x, strength, rng).squeeze(1)


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, generator=rng, device=rng.device) * (high - low) + low


def _about(n: int, reach: float, rng: torch.Generator) -> Tensor:
    return _uniform(n, -reach, reach, rng)


def _some(n: int, share: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, generator=rng, device=rng.device) < share


def _warp(x: Tensor, side: int, strength: float, rng: torch.Generator) -> Tensor:
    n = len(x)
    angle = _about(n, DEGREES * strength, rng) * (math.pi / 180)
    scale = 1.0 + _about(n, SCALE * strength, rng)
    stretch = 1.0 + _about(n, STRETCH * strength, rng)
    mirror = torch.where(_some(n, 0.5, rng), -1.0, 1.0)
    shear = _about(n, SHEAR * strength, rng)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.empty(n, 2, 3, device=x.device)
    matrix[:, 0, 0], matrix[:, 0, 1] = cos * mirror * stretch, -sin + shear
    matrix[:, 1, 0], matrix[:, 1, 1] = sin * mirror, cos / stretch
    matrix[:, :, 2] = (torch.rand(n, 2, generator=rng, device=x.device) * 2 - 1) * SHIFT * strength
    grid = F.affine_grid(matrix, [n, 1, side, side], align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _soften(x: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """Blur up to a third of the faces lightly, and take up to an eighth down to half the side and back."""
    n, side = len(x), x.shape[-1]
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.where(_some(n, 0.33 * strength, rng), _uniform(n, 0.2, 1.0, rng), 0.0).view(n, 1, 1, 1)
    x = torch.lerp(x, blurred, share)
    small = _some(n, 0.12 * strength, rng)
    if small.any():
        half = F.interpolate(x[small], size=side // 2, mode="area")
        x[small] = F.interpolate(half, size=side, mode="bilinear", align_corners=False)
    return x


def _relight(x: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """Change gamma, light one side, clip as a sensor does, and add a little noise."""
    n, side = len(x), x.shape[-1]
    x = x / 255.0
    gamma = torch.exp(_about(n, GAMMA * strength, rng)).view(n, 1, 1, 1)
    x = x.clamp(1e-3, 1.0) ** gamma
    line = torch.linspace(-1.0, 1.0, side, device=x.device)
    slope = torch.where(_some(n, 0.3 * strength, rng), _uniform(n, 0.1, 0.5, rng), 0.0).view(n, 1, 1, 1)
    turn = _uniform(n, 0.0, 2 * math.pi, rng).view(n, 1, 1, 1)
    side_light = torch.cos(turn) * line.view(1, 1, 1, -1) + torch.sin(turn) * line.view(1, 1, -1, 1)
    x = x * (1.0 + slope * side_light)
    gain = 1.0 + _about(n, GAIN * strength, rng).view(n, 1, 1, 1)
    lift = _about(n, LIFT * strength, rng).view(n, 1, 1, 1)
    noise = torch.randn(x.shape, generator=rng, device=x.device)
    noise *= _uniform(n, 0.0, NOISE * strength, rng).view(n, 1, 1, 1)
    return ((x - 0.5) * gain + 0.5 + lift + noise).clamp(0.0, 1.0) * 255.0


def _hide(x: Tensor, strength: float, rng: torch.Generator) -> Tensor:
    """Cover a rectangle of up to a quarter of the faces with one gray: a hand, hair, a microphone."""
    n, side = len(x), x.shape[-1]
    size = torch.rand(n, 2, generator=rng, device=x.device) * 0.28 + 0.12
    corner = torch.rand(n, 2, generator=rng, device=x.device) * (1.0 - size)
    line = (torch.arange(side, device=x.device) + 0.5) / side
    inside = (line >= corner[:, :, None]) & (line < (corner + size)[:, :, None])  # (n, 2, side)
    hidden = inside[:, 0, :, None] & inside[:, 1, None, :] & _some(n, 0.25 * strength, rng)[:, None, None]
    gray = _uniform(n, 0.0, 255.0, rng).view(n, 1, 1, 1)
    return torch.where(hidden.unsqueeze(1), gray, x)
