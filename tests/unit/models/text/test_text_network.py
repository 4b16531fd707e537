"""The lean text network gives transformers' numbers, in both number types."""

import pytest
import torch

from affectstream.models.text.lean import lean
from affectstream.models.text.network import TextNetwork


@pytest.mark.parametrize(("kind", "apart"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("heads", [1, 4])
def test_the_lean_network_equals_the_trained_one(heads: int, kind: torch.dtype, apart: float) -> None:
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 3, "intermediate_size": 64}
    network = TextNetwork(
        sizes | {"num_attention_heads": heads, "max_position_embeddings": 16, "type_vocab_size": 2}
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    network.eval()
    prepared = torch.randint(1, 50, (4, 2, 16))
    prepared[:, 1] = 0
    prepared[1, 1, 8:] = 1  # context
    prepared[2, 0, 5:] = 0  # padding
    prepared[3] = 0  # a row that only fills up
    with torch.inference_mode():
        logits, means = lean(network, kind)(prepared)
        assert logits.dtype == means.dtype == torch.float32
        assert torch.allclose(means, network.embed(prepared), atol=apart)
        assert torch.allclose(logits, network.head(means) + network.bias[0], atol=1e-5)
