"""The reference text classifiers: each can fit a tiny set, and any encoder can carry the head."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

from affectstream.lab.training.networks.text import EncoderClassifier, pipelines

TEXTS = ["i love this so much", "what a lovely day", "i hate this so much", "what an awful day"] * 6
LABELS = [1, 1, 3, 3] * 6


@pytest.mark.parametrize("name", list(pipelines()))
def test_each_pipeline_fits_a_tiny_set(name: str) -> None:
    fitted = pipelines()[name].fit(TEXTS, LABELS)
    assert np.mean(fitted.predict(TEXTS) == LABELS) == 1.0


def encoders():
    bert = BertConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    distil = DistilBertConfig(vocab_size=30, dim=16, n_layers=2, n_heads=2, hidden_dim=32)
    return {"bert": BertModel(bert, add_pooling_layer=False), "distilbert": DistilBertModel(distil)}


@pytest.mark.parametrize("name", ["bert", "distilbert"])
def test_any_encoder_with_a_head_overfits_a_tiny_batch(name: str) -> None:
    torch.manual_seed(0)
    network = EncoderClassifier(encoders()[name], 16, dropout=0.0)
    ids = torch.randint(1, 30, (7, 5))
    attend = torch.ones_like(ids)
    attend[::2, 3:] = 0
    labels = torch.arange(7)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(120):
        loss = torch.nn.functional.cross_entropy(network(ids, attend), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    assert (network(ids, attend).argmax(1) == labels).all()
