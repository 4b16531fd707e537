"""The reference face networks: shapes, frozen trunk, weights from a file, able to learn a tiny batch."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet50

from affectstream.lab.training.networks.face import FaceResNet50, FerCnn, parameters
from affectstream.schemas.errors import ModelError


def loss_after(network: nn.Module, steps: int, rate: float) -> float:
    coarse = torch.rand(7, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 200 + 20
    x, y = F.interpolate(coarse, size=48, mode="bilinear")[:, 0], torch.arange(7)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate)
    loss = torch.tensor(0.0)
    for _ in range(steps):
        loss = F.cross_entropy(network(x), y)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return float(loss.detach())


def test_fer_cnn_learns_a_tiny_batch_by_heart() -> None:
    torch.manual_seed(0)
    assert loss_after(FerCnn(dropout=0.0), steps=12, rate=1e-3) < 0.05


@pytest.mark.proof
def test_resnet50_learns_a_tiny_batch_by_heart() -> None:
    torch.manual_seed(0)
    assert loss_after(FaceResNet50(), steps=12, rate=3e-4) < 0.1


def test_only_the_head_of_a_frozen_resnet_trains() -> None:
    assert parameters(FaceResNet50(frozen=True)) == 2048 * 7 + 7


def test_imagenet_weights_come_from_a_local_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    stored = resnet50(weights=None)
    save_file(stored.state_dict(), tmp_path / "resnet50.safetensors")
    loaded = FaceResNet50(weights=tmp_path / "resnet50.safetensors")
    assert torch.equal(loaded.trunk.conv1.weight, stored.conv1.weight)
    save_file({"conv1.weight": stored.conv1.weight.detach()}, tmp_path / "part.safetensors")
    with pytest.raises(ModelError, match="not torchvision's ResNet-50"):
        FaceResNet50(weights=tmp_path / "part.safetensors")
