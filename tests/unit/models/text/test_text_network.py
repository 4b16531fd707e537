"""The serving network gives the numbers of transformers' BertModel and refuses other weights."""

import pytest
import torch
from safetensors.torch import load_file

from affectstream.lab.training.networks.bert import TextNetwork as Reference
from affectstream.models.text.model import TextModel
from affectstream.models.text.network import TextNetwork, expected_shapes, unpacked
from affectstream.models.weights import checked_file

UTTERANCES = (
    ("I can't believe you did that to me!", ()),
    ("Yes.", ("Did you call them?", "I did, twice, and nobody answered the phone.")),
    ("Well, the thing is that " + "we have been waiting and waiting " * 12, ("Hello?", "Go on.")),
    ("Thank you so much, this is wonderful news.", ("Your refund is on its way.",)),
    ("I am so sorry, she died last night.", ()),
    ("What?! Are you serious?", ("They want it all back.",)),
)
TINY = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}


def test_the_shipped_weights_give_the_numbers_of_transformers() -> None:
    path, card = checked_file("text")
    weights = unpacked(load_file(path))
    reference = Reference(card.config["encoder"])
    reference.load_state_dict(weights)
    reference.eval()
    network = TextNetwork(weights, card.config["encoder"], torch.float32)
    model = TextModel()
    for text, context in UTTERANCES:
        prepared = torch.from_numpy(model.prepare(text, context))[None]
        with torch.inference_mode():
            found, pooled = network(prepared)
            expected = reference(prepared)
            assert torch.allclose(pooled, reference.embed(prepared), atol=5e-6)
        temperature = model.temperatures([prepared[0].numpy()])[0, 0]
        p, q = (torch.softmax(logits.double() / temperature, dim=1) for logits in (found, expected))
        assert (p - q).abs().max() < 1e-6
        assert p.argmax() == q.argmax()


@pytest.mark.parametrize(("kind", "apart"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1)])
@pytest.mark.parametrize("heads", [1, 4])
def test_random_weights_give_the_states_of_transformers(heads: int, kind: torch.dtype, apart: float) -> None:
    torch.manual_seed(0)
    config = TINY | {"num_attention_heads": heads}
    reference = Reference(config)
    for parameter in reference.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    reference.eval()
    prepared = torch.randint(1, 50, (4, 2, 16))
    prepared[:, 1] = 0
    prepared[1, 1, 8:] = 1  # context
    prepared[2, 0, 5:] = 0  # padding
    prepared[3] = 0  # a row that only fills up
    with torch.inference_mode():
        logits, pooled = TextNetwork(reference.state_dict(), config, kind)(prepared)
        assert logits.dtype == pooled.dtype == torch.float32
        assert torch.allclose(pooled, reference.embed(prepared), atol=apart)
        assert torch.allclose(logits, reference.head(pooled) + reference.bias[0], atol=1e-5)


def test_the_listed_tensors_are_those_of_transformers() -> None:
    found = {name: tuple(tensor.shape) for name, tensor in Reference(TINY).state_dict().items()}
    assert expected_shapes(TINY) == found


@pytest.mark.parametrize(
    "change",
    [
        lambda weights: weights.pop("bert.encoder.layer.2.output.dense.bias"),
        lambda weights: weights.update({"bert.encoder.layer.3.output.dense.bias": torch.zeros(32)}),
        lambda weights: weights.update({"head.weight": torch.zeros(6, 32)}),
    ],
)
def test_weights_of_another_network_are_refused(change) -> None:
    weights = Reference(TINY).state_dict()
    change(weights)
    with pytest.raises(ValueError, match="expected"):
        TextNetwork(weights, TINY, torch.float32)
