"""The face network: shapes, blindness to the light of the room, fused equal to unfused, able to learn."""

import pytest
import torch
import torch.nn.functional as F

from affectstream.models.face.network import FaceNet, fuse, standardise


def faces(n: int, seed: int = 0) -> torch.Tensor:
    coarse = torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 200 + 20
    return F.interpolate(coarse, size=48, mode="bicubic")[:, 0].clamp(0, 255)


def small_net() -> FaceNet:
    torch.manual_seed(0)
    return FaceNet((8, 16, 16, 32), (1, 1, 2, 1))


def test_standardised_faces_have_mean_zero_and_deviation_one() -> None:
    x = standardise(faces(5))
    assert x.shape == (5, 1, 48, 48)
    assert torch.allclose(x.mean(dim=(1, 2, 3)), torch.zeros(5), atol=1e-4)
    assert torch.allclose(x.std(dim=(1, 2, 3), correction=0), torch.ones(5), atol=1e-3)


def test_gain_and_offset_of_the_light_change_nothing() -> None:
    assert torch.allclose(standardise(faces(5)), standardise(faces(5) * 0.6 + 30), atol=1e-3)


def test_a_flat_crop_is_not_amplified_into_noise() -> None:
    flat = torch.full((1, 48, 48), 100.0)
    flat[0, 0, 0] = 101.0
    assert float(standardise(flat).abs().max()) < 0.2


@pytest.mark.parametrize("side", [32, 40, 48])
def test_faces_of_every_side_of_the_training_give_seven_logits(side: int) -> None:
    assert small_net().eval()(torch.rand(3, side, side) * 255).shape == (3, 7)


def test_fused_network_has_no_normalisation_and_the_same_logits() -> None:
    network = small_net()
    network.train()(faces(64))
    network.eval()
    with torch.inference_mode():
        before = network(faces(4, seed=1))
        fused = fuse(network)
        assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in fused.modules())
        assert torch.allclose(fused(faces(4, seed=1)), before, atol=1e-4)


def test_network_learns_a_tiny_batch_by_heart() -> None:
    network, x, y = small_net(), faces(14), torch.arange(14) % 7
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    for _ in range(60):
        loss = F.cross_entropy(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.05
    assert bool((network(x).argmax(dim=1) == y).all())
