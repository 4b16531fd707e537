"""Random changes of a batch of faces, as a camera in a room would make them; imports torch only."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

DEGREES, SHEAR, SHIFT = 14.0, 0.08, 0.09  # rotation, shear, and shift as a share of half the side
SCALE = (0.84, 1.16)


def augment(faces: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """Return (n, side, side) float faces, 0 to 255, from (n, 48, 48): moved, relit, blurred and hidden."""
    x = faces.to(torch.float32).unsqueeze(1)
    x = _warp(x, side, rng)
    x = _soften(x, rng)
    x = _relight(x, rng)
    return _hide(x, rng).squeeze(1)


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, generator=rng) * (high - low) + low


def _some(n: int, share: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, generator=rng) < share


def _warp(x: Tensor, side: int, rng: torch.Generator) -> Tensor:
    n = len(x)
    angle = _uniform(n, -DEGREES, DEGREES, rng) * (math.pi / 180)
    scale = _uniform(n, *SCALE, rng)
    stretch = _uniform(n, 0.93, 1.07, rng)
    mirror = torch.where(_some(n, 0.5, rng), -1.0, 1.0)
    shear = _uniform(n, -SHEAR, SHEAR, rng)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.empty(n, 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = cos * mirror * stretch, -sin + shear
    matrix[:, 1, 0], matrix[:, 1, 1] = sin * mirror, cos / stretch
    matrix[:, :, 2] = torch.rand(n, 2, generator=rng) * (2 * SHIFT) - SHIFT
    grid = F.affine_grid(matrix, [n, 1, side, side], align_corners=False)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _soften(x: Tensor, rng: torch.Generator) -> Tensor:
    """Blur a third of the faces lightly, and take an eighth down to half the side and back."""
    n, side = len(x), x.shape[-1]
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.where(_some(n, 0.33, rng), _uniform(n, 0.2, 1.0, rng), 0.0).view(n, 1, 1, 1)
    x = torch.lerp(x, blurred, share)
    small = _some(n, 0.12, rng)
    if small.any():
        half = F.interpolate(x[small], size=side // 2, mode="area")
        x[small] = F.interpolate(half, size=side, mode="bilinear", align_corners=False)
    return x


def _relight(x: Tensor, rng: torch.Generator) -> Tensor:
    """Change gamma, light one side, clip as a sensor does, and add a little noise."""
    n, side = len(x), x.shape[-1]
    x = x / 255.0
    gamma = torch.exp(_uniform(n, -0.5, 0.5, rng)).view(n, 1, 1, 1)
    x = x.clamp(1e-3, 1.0) ** gamma
    line = torch.linspace(-1.0, 1.0, side)
    slope = torch.where(_some(n, 0.3, rng), _uniform(n, 0.1, 0.5, rng), 0.0).view(n, 1, 1, 1)
    turn = _uniform(n, 0.0, 2 * math.pi, rng).view(n, 1, 1, 1)
    side_light = torch.cos(turn) * line.view(1, 1, 1, -1) + torch.sin(turn) * line.view(1, 1, -1, 1)
    x = x * (1.0 + slope * side_light)
    gain = _uniform(n, 0.75, 1.25, rng).view(n, 1, 1, 1)
    lift = _uniform(n, -0.12, 0.12, rng).view(n, 1, 1, 1)
    noise = torch.randn(x.shape, generator=rng) * _uniform(n, 0.0, 0.03, rng).view(n, 1, 1, 1)
    return ((x - 0.5) * gain + 0.5 + lift + noise).clamp(0.0, 1.0) * 255.0


def _hide(x: Tensor, rng: torch.Generator) -> Tensor:
    """Cover a rectangle of a quarter of the faces with one gray: a hand, hair, a microphone."""
    n, side = len(x), x.shape[-1]
    size = torch.rand(n, 2, generator=rng) * 0.28 + 0.12
    corner = torch.rand(n, 2, generator=rng) * (1.0 - size)
    line = (torch.arange(side) + 0.5) / side
    inside = (line >= corner[:, :, None]) & (line < (corner + size)[:, :, None])  # (n, 2, side)
    hidden = inside[:, 0, :, None] & inside[:, 1, None, :] & _some(n, 0.25, rng)[:, None, None]
    gray = _uniform(n, 0.0, 255.0, rng).view(n, 1, 1, 1)
    return torch.where(hidden.unsqueeze(1), gray, x)
