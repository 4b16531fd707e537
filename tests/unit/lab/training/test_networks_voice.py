"""Every reference speech network has its shapes and can overfit a tiny batch."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from affectstream.lab.training.networks import voice as reference

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "cnn": (reference.SpeechCnn, (22, 40)),
    "cnn+lstm": (reference.SpeechLstm, (22, 40)),
    "cnn+bilstm": (lambda: reference.SpeechLstm(both_ways=True), (22, 40)),
    "cnn+gru+dense": (reference.SpeechGru, (22, 40)),
    "cnn+self-attention": (reference.SpeechAttention, (22, 40)),
    "resnet-18": (lambda: reference.MelResNet18(side=32), (1, 40, 40)),
    "mel conv1d": (reference.MelConv, (40, 40)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_tiny_batch_is_overfitted(name: str) -> None:
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    net, x, labels = make(), torch.randn(7, *shape), torch.arange(7)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(60):
        loss = functional.cross_entropy(net(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 0.05:
            break
    logits = net(x)
    assert logits.shape == (7, 7)
    assert (logits.argmax(dim=1) == labels).all()


@pytest.mark.parametrize("rate_hz", [8_000, 22_050])
def test_frame_features_are_standardised(rate_hz: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, rate_hz).astype(np.float32)
    samples *= np.linspace(0.1, 1, rate_hz, dtype=np.float32)
    rows = reference.frame_features(samples, rate_hz)
    assert rows.shape == (22, 44)
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(rows.std(axis=1), 1, atol=1e-2)
