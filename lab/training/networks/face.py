"""Face networks of the reference systems: a FER CNN and ResNet-50."""

from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import resnet50

from affectstream.models.face.network import conv_norm, standardise
from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import N_EMOTIONS


class FerCnn(nn.Module):
    """The usual CNN for FER2013: three stages of 64, 128 and 256 channels, then a dense layer.

    After the CNNs of Goodfellow et al., "Challenges in Representation Learning", 2013, with batch
    normalisation. Gray faces (n, 48, 48), 0 to 255, to seven logits (n, 7).
    """

    def __init__(self, dropout: float = 0.25) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        into = 1
        for out in (64, 128, 256):  # (n, 64, 24, 24) -> (n, 128, 12, 12) -> (n, 256, 6, 6)
            stages += [conv_norm(into, out, 3), nn.ReLU(), conv_norm(out, out, 3), nn.ReLU()]
            stages += [nn.MaxPool2d(2), nn.Dropout(dropout)]
            into = out
        self.stages = nn.Sequential(*stages)
        dense = nn.Sequential(nn.Flatten(), nn.Linear(256 * 6 * 6, 256), nn.ReLU(), nn.Dropout(2 * dropout))
        self.head = nn.Sequential(dense, nn.Linear(256, N_EMOTIONS))

    def forward(self, faces: Tensor) -> Tensor:
        """Return the logits; faces of other sides than 48, as in early epochs, fit by their pooled stages."""
        x = standardise(faces).contiguous(memory_format=torch.channels_last)
        x = nn.functional.adaptive_avg_pool2d(self.stages(x), 6)  # the same for faces of 48 pixels
        return cast(Tensor, self.head(x))


class FaceResNet50(nn.Module):
    """ResNet-50 (He et al., CVPR 2016) on gray faces (n, side, side), 0 to 255, to (n, 7).

    The trunk reduces a side 32 times, so that 64 pixels or more are wanted where there is time for them.
    """

    def __init__(self, frozen: bool = False, weights: Path | None = None) -> None:
        """Start from random weights, or from the ImageNet state dict in the safetensors file ``weights``.

        ``frozen`` leaves only the head to train. Raises ModelError where the file does not fit.
        """
        super().__init__()
        self.trunk = resnet50(weights=None)
        if weights is not None:
            _load(self.trunk, weights)
        for parameter in self.trunk.parameters():
            parameter.requires_grad = not frozen
        self.trunk.fc = nn.Linear(self.trunk.fc.in_features, N_EMOTIONS)

    def forward(self, faces: Tensor) -> Tensor:
        """Return the logits."""
        x = standardise(faces).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        return cast(Tensor, self.trunk(x))  # (n, 3, side, side) -> (n, 7)


class ResNet50Features(nn.Module):
    """The frozen trunk of ResNet-50: faces (n, 48, 48), 0 to 255, to their pooled features (n, 2048)."""

    def __init__(self, weights: Path | None = None, side: int = 96) -> None:
        super().__init__()
        self.side = side
        self.network = FaceResNet50(frozen=True, weights=weights).eval()
        self.network.trunk.fc = nn.Identity()

    def forward(self, faces: Tensor) -> Tensor:
        """Return the features."""
        x = nn.functional.interpolate(faces[:, None].float(), size=self.side, mode="bilinear")
        return cast(Tensor, self.network(x[:, 0]))


def _load(trunk: nn.Module, path: Path) -> None:
    try:
        trunk.load_state_dict(load_file(path))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise ModelError(f"{path} is not torchvision's ResNet-50 as safetensors") from error


def parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
