"""The shipped network on 48x48 gray faces, its normalisation included.

A ResNet of basic blocks (He et al., CVPR 2016) with the pooled shortcuts of ResNet-D (He et al., "Bag of
Tricks", CVPR 2019), narrow enough for a thousand faces a second on two cores.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

WIDTHS, DEPTHS = (32, 64, 128, 256), (1, 1, 2, 1)  # of the stages of the shipped network
STD_FLOOR = 8.0  # gray levels; below this a crop holds noise and must not be amplified


def standardise(faces: Tensor) -> Tensor:
    """Return gray faces (n, h, w), 0 to 255, as (n, 1, h, w) with mean 0 and deviation 1 per face.

    What is left is the shading within the face; how bright the room was is gone.
    """
    x = faces.to(torch.float32).unsqueeze(1)
    deviation, mean = torch.std_mean(x, dim=(2, 3), keepdim=True, correction=0)
    return (x - mean) / deviation.clamp_min(STD_FLOOR)


def conv_norm(into: int, out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution without bias and its batch normalisation."""
    convolution = nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (n, into, h, w) -> (n, out, h / stride, w / stride)."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        """Build the shortcut as identity where the shape stays."""
        super().__init__()
        self.first = conv_norm(into, out, 3, stride)
        self.second = conv_norm(out, out, 3)
        pool = nn.AvgPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()
        same = into == out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(pool, conv_norm(into, out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        inner = self.second(torch.relu(self.first(x)))
        return torch.relu(inner + self.shortcut(x))


class FaceNet(nn.Module):
    """Gray faces (n, 48, 48), 0 to 255, to seven logits (n, 7)."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int], dropout: float = 0.0) -> None:
        """Build stages of ``depths`` blocks, halving the side from one to the next."""
        super().__init__()
        # (n, 1, 48, 48) -> (n, 4, 24, 24) -> (n, widths[0], 24, 24): no pixel is passed over
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), conv_norm(4, widths[0], 3))
        stages: list[nn.Module] = []
        channels = widths[0]
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            for block in range(depth):
                stages.append(Block(channels, width, 2 if stage > 0 and block == 0 else 1))
                channels = width
        self.stages = nn.Sequential(*stages)  # (n, widths[-1], 3, 3) after four stages
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, 7)
        self.kind = torch.float32  # of the convolutions

    def embed(self, faces: Tensor) -> Tensor:
        """Return what the head reads: the last maps' means (n, widths[-1])."""
        x = standardise(faces).to(self.kind).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self.stages(torch.relu(self.stem(x)))
        return maps.to(torch.float32).mean(dim=(2, 3))

    def convolve_in(self, kind: torch.dtype) -> None:
        """Take the convolutions in ``kind``, for inference; what is before and after them stays float32."""
        self.kind = kind
        self.stem.to(kind)
        self.stages.to(kind)

    def forward(self, faces: Tensor) -> Tensor:
        """Return the logits."""
        return cast(Tensor, self.head(self.dropout(self.embed(faces))))


def fuse(network: nn.Module) -> nn.Module:
    """Fold every batch normalisation of an evaluating network into the convolution before it, in place."""
    for name, child in network.named_children():
        pair = list(child.children()) if isinstance(child, nn.Sequential) else []
        if len(pair) == 2 and isinstance(pair[0], nn.Conv2d) and isinstance(pair[1], nn.BatchNorm2d):
            setattr(network, name, fuse_conv_bn_eval(pair[0], pair[1]))
        elif name.isdigit() and isinstance(network, nn.Sequential):
            network[int(name)] = fuse(child)
        else:
            fuse(child)
    return network
