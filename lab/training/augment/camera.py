"""Augmentation of face crops as the camera of a call films them: turned, lowered, wide or tight, badly lit.

A face is taken for a plane that turns before a camera near by; then come a hand or a cup before it, the light
of the room, a soft lens, few pixels, the noise of the sensor and JPEG.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

YAW, PITCH, ROLL = 38.0, 28.0, 22.0  # degrees, to either side
CUT = (0.77, 1.3)  # sides of the cut-out box, as shares of that of training
SHIFT = 0.10  # of half the side
DISTANCE = 3.0  # of the camera, in halves of the side of a face
DISTANT = (16, 36)  # pixels of a face that is enlarged to the crop
BLUR = (0.5, 1.4)  # sigma in pixels of 48
GAMMA, GAIN, LIFT, SLOPE, NOISE = 0.6, 0.3, 0.12, 0.7, 0.03
QUALITY = (10, 60)  # of JPEG
COVERED, LIT_ASIDE, BLURRED, REDUCED, NOISY, PACKED = 0.2, 0.5, 0.25, 0.25, 0.4, 0.3  # shares of the faces
LUMINANCE = (  # JPEG's table for gray at quality 50 (ITU-T T.81, K.1)
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
EYES, MOUTH = 0.37, 0.77  # of the height, in the mean face of FER2013


def filmed(faces: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """Return (n, side, side) float faces, 0 to 255, from (n, 48, 48): each filmed in a way drawn for it.

    ``faces`` and ``rng`` are of one device.
    """
    x = _turned(faces.to(torch.float32).unsqueeze(1), side, rng)
    x = _covered(x, rng)
    x = _lit(x, rng)
    x = _soft(x, rng)
    return _packed(_noisy(x, rng), rng).squeeze(1)


def _uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, generator=rng, device=rng.device) * (high - low) + low


def _some(n: int, share: float, rng: torch.Generator) -> Tensor:
    return torch.rand(n, generator=rng, device=rng.device) < share


def _turned(x: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """Turn, lower, roll, mirror, shift and cut the faces: one perspective map each."""
    n = len(x)
    yaw, pitch, roll = (_uniform(n, -d, d, rng) * math.pi / 180 for d in (YAW, PITCH, ROLL))
    across, down, about = (_rotation(angle, axis) for angle, axis in ((yaw, 1), (pitch, 0), (roll, 2)))
    turned = about @ down @ across  # (n, 3, 3)
    plane = torch.stack([turned[:, :, 0], turned[:, :, 1], torch.zeros(n, 3, device=x.device)], dim=2)
    plane[:, 2] /= DISTANCE
    plane[:, 2, 2] = 1.0  # points of the face's plane to the picture, homogeneous
    cut = torch.exp(_uniform(n, math.log(CUT[0]), math.log(CUT[1]), rng))
    view = torch.zeros(n, 3, 3, device=x.device)
    view[:, 0, 0] = cut * torch.where(_some(n, 0.5, rng), -1.0, 1.0)
    view[:, 1, 1] = cut
    view[:, :2, 2] = _uniform(2 * n, -SHIFT, SHIFT, rng).view(n, 2)
    view[:, 2, 2] = 1.0
    line = (torch.arange(side, device=x.device) * 2 + 1) / side - 1
    down_line, across_line = torch.meshgrid(line, line, indexing="ij")
    pixels = torch.stack([across_line, down_line, torch.ones_like(down_line)]).view(3, -1)
    source = torch.linalg.inv(plane) @ view @ pixels  # (n, 3, side * side)
    grid = (source[:, :2] / source[:, 2:].clamp_min(0.1)).transpose(1, 2).reshape(n, side, side, 2)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _rotation(angle: Tensor, axis: int) -> Tensor:
    """Return the rotations (n, 3, 3) by ``angle`` (n,) in radians about one axis."""
    first, second = [i for i in range(3) if i != axis]
    found = torch.eye(3, device=angle.device).repeat(len(angle), 1, 1)
    found[:, first, first] = found[:, second, second] = torch.cos(angle)
    found[:, first, second], found[:, second, first] = -torch.sin(angle), torch.sin(angle)
    return found


def _covered(x: Tensor, rng: torch.Generator) -> Tensor:
    """Cover a rectangle, the eyes or the mouth with one gray: a hand, glasses, a microphone, a mask."""
    n, side = len(x), x.shape[-1]
    kind = torch.randint(3, (n,), generator=rng, device=x.device)
    size = torch.rand(n, 2, generator=rng, device=x.device) * 0.3 + 0.12  # (height, width)
    corner = torch.rand(n, 2, generator=rng, device=x.device) * (1.0 - size)
    bar = kind > 0
    size[:, 0] *= torch.where(bar, 0.6, 1.0)
    size[:, 1].masked_fill_(bar, 1.0)
    middle = torch.where(kind == 1, EYES, MOUTH)
    corner[:, 0] = torch.where(bar, middle - size[:, 0] / 2, corner[:, 0])
    corner[:, 1].masked_fill_(bar, 0.0)
    line = (torch.arange(side, device=x.device) + 0.5) / side
    inside = (line >= corner[:, :, None]) & (line < (corner + size)[:, :, None])  # (n, 2, side)
    hidden = inside[:, 0, :, None] & inside[:, 1, None, :] & _some(n, COVERED, rng)[:, None, None]
    return torch.where(hidden.unsqueeze(1), _uniform(n, 0.0, 255.0, rng).view(n, 1, 1, 1), x)


def _lit(x: Tensor, rng: torch.Generator) -> Tensor:
    """Change gamma, gain and offset; light some faces from one side."""
    n, side = len(x), x.shape[-1]
    gamma = torch.exp(_uniform(n, -GAMMA, GAMMA, rng)).view(n, 1, 1, 1)
    x = (x / 255.0).clamp(1e-3, 1.0) ** gamma
    line = torch.linspace(-1.0, 1.0, side, device=x.device)
    slope = torch.where(_some(n, LIT_ASIDE, rng), _uniform(n, 0.1, SLOPE, rng), 0.0).view(n, 1, 1, 1)
    turn = _uniform(n, 0.0, 2 * math.pi, rng).view(n, 1, 1, 1)
    aside = torch.cos(turn) * line.view(1, 1, 1, -1) + torch.sin(turn) * line.view(1, 1, -1, 1)
    gain = 1.0 + _uniform(n, -GAIN, GAIN, rng).view(n, 1, 1, 1)
    lift = _uniform(n, -LIFT, LIFT, rng).view(n, 1, 1, 1)
    return ((x * (1.0 + slope * aside) - 0.5) * gain + 0.5 + lift).clamp(0.0, 1.0) * 255.0


def _soft(x: Tensor, rng: torch.Generator) -> Tensor:
    """Blur some faces by a Gaussian; take others down to few pixels and up again."""
    n, side = len(x), x.shape[-1]
    steps = torch.arange(-4, 5, device=x.device)
    sigma = (_uniform(n, *BLUR, rng) * side / 48).view(n, 1)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel /= kernel.sum(dim=1, keepdim=True)  # (n, 9)
    rows = F.pad(x.transpose(0, 1), (4, 4, 4, 4), mode="replicate")  # (1, n, side + 8, side + 8)
    soft = F.conv2d(F.conv2d(rows, kernel.view(n, 1, 9, 1), groups=n), kernel.view(n, 1, 1, 9), groups=n)
    x = torch.where(_some(n, BLURRED, rng).view(n, 1, 1, 1), soft.transpose(0, 1), x)
    drawn = torch.randint(*DISTANT, (n,), generator=rng, device=x.device) - DISTANT[0]
    to_few = _reductions(side, x.device)[drawn].unsqueeze(1)  # (n, 1, side, side)
    few = to_few @ x @ to_few.transpose(2, 3)
    return torch.where(_some(n, REDUCED, rng).view(n, 1, 1, 1), few, x)


@cache
def _reductions(side: int, device: torch.device) -> Tensor:
    """Return what takes ``side`` pixels down to each size of DISTANT and up again: (sizes, side, side)."""
    lines = torch.eye(side).unsqueeze(1)
    found = []
    for size in range(*DISTANT):
        few = F.interpolate(lines, size=round(size * side / 48), mode="area")
        found.append(F.interpolate(few, size=side, mode="linear", align_corners=False)[:, 0].T)
    return torch.stack(found).to(device)


def _noisy(x: Tensor, rng: torch.Generator) -> Tensor:
    n = len(x)
    level = torch.where(_some(n, NOISY, rng), _uniform(n, 0.0, 255 * NOISE, rng), 0.0).view(n, 1, 1, 1)
    return (x + torch.randn(x.shape, generator=rng, device=x.device) * level).clamp(0.0, 255.0)


def _packed(x: Tensor, rng: torch.Generator) -> Tensor:
    """Pass some faces through JPEG: blocks of 8 x 8 cosines, rounded as their table and a quality say."""
    n, side = len(x), x.shape[-1]
    quality = torch.randint(*QUALITY, (n,), generator=rng, device=x.device)
    table = torch.tensor(LUMINANCE, device=x.device).view(8, 8)
    percent = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality).view(n, 1, 1)
    steps = ((table * percent + 50) // 100).clamp(1, 255).view(n, 1, 1, 8, 8)
    cosines = _cosines(x.device)
    rest = -side % 8
    whole = F.pad(x.round(), (0, rest, 0, rest), mode="replicate").squeeze(1) - 128.0
    blocks = whole.unfold(1, 8, 8).unfold(2, 8, 8)  # (n, rows, columns, 8, 8)
    kept = (cosines @ blocks @ cosines.T / steps).round() * steps
    seen = (cosines.T @ kept @ cosines).transpose(2, 3).reshape(n, 1, side + rest, side + rest)
    seen = (seen[..., :side, :side] + 128.0).round().clamp(0.0, 255.0)
    return torch.where(_some(n, PACKED, rng).view(n, 1, 1, 1), seen, x)


@cache
def _cosines(device: torch.device) -> Tensor:
    """Return the orthonormal cosines (8, 8) of a line of a block, a frequency a row."""
    at, frequency = torch.arange(8.0), torch.arange(8.0).view(8, 1)
    found = 0.5 * torch.cos((2 * at + 1) * frequency * math.pi / 16)
    found[0] /= math.sqrt(2)
    return found.to(device)
