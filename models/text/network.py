"""The text network: a BERT encoder (Devlin et al., 2019), mean pooling over the utterance and a linear head.

It serves only; ``affectstream.lab.training.networks.bert`` trains the same network. A layer is a dozen
calls on tensors taken from the weights once, with queries, keys and values as one product: at one utterance a
pass, a fifth of the time would go to Python and to three products where one does. The products take bfloat16
where the processor multiplies it itself; everything between them is float32.

In the file of the weights, matrices are int8 with one scale per row; on loading, all becomes float32 again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

Shape = tuple[int, ...]
SCALE = ".scale"  # ends the names of the scales in the file of the weights


def attention_mask(ids: Tensor) -> Tensor:
    """Return what is added to the attention scores (batch, 1, 1, length) of ids (batch, length)."""
    return torch.where(ids != 0, 0.0, torch.finfo(torch.float32).min)[:, None, None, :]


def mean_of_utterance(states: Tensor, ids: Tensor, segments: Tensor) -> Tensor:
    """Return the mean (batch, hidden) of the utterance's states among all (batch, length, hidden)."""
    own = ((segments == 0) & (ids != 0)).unsqueeze(-1).to(states.dtype)  # (batch, length, 1)
    return (states * own).sum(1) / own.sum(1).clamp_min(1.0)


@dataclass(frozen=True, slots=True)
class Affine:
    """Weight and bias of a linear layer or of a normalisation."""

    weight: Tensor
    bias: Tensor

    def product(self, x: Tensor) -> Tensor:
        """Apply the linear layer to ``x`` in the weight's own number type; return float32."""
        return linear(x.to(self.weight.dtype), self.weight, self.bias).to(torch.float32)

    def normalise(self, x: Tensor, eps: float) -> Tensor:
        """Apply the layer normalisation to ``x`` (..., hidden)."""
        return layer_norm(x, x.shape[-1:], self.weight, self.bias, eps)


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer layer."""

    attention: Affine  # (3 x hidden, hidden): queries, keys, values
    attention_output: Affine
    attention_norm: Affine
    widen: Affine
    narrow: Affine
    output_norm: Affine
    heads: int
    eps: float

    def __call__(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the next states (batch, length, hidden)."""
        batch, length, hidden = x.shape
        split = self.attention.product(x).view(batch, length, 3, self.heads, hidden // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)  # each (batch, heads, length, hidden / heads)
        attended = scaled_dot_product_attention(q, k, v, attn_mask=mask)
        mixed = self.attention_output.product(attended.transpose(1, 2).reshape(batch, length, hidden))
        x = self.attention_norm.normalise(x + mixed, self.eps)
        widened = gelu(self.widen.product(x))  # (batch, length, 4 x hidden)
        return self.output_norm.normalise(x + self.narrow.product(widened), self.eps)


class TextNetwork:
    """Token ids and segments in; logits of the seven emotions and the pooled utterance out."""

    def __init__(self, weights: Mapping[str, Tensor], config: Mapping[str, Any], kind: torch.dtype) -> None:
        """Take float32 ``weights`` under the names that ``expected_shapes`` lists; products run in ``kind``.

        ``config`` has BertConfig's names. Raises KeyError where it lacks one and ValueError where the weights
        are not those of such a network.
        """
        _check(weights, expected_shapes(config))
        self._eps = float(config["layer_norm_eps"])
        self._words = weights["bert.embeddings.word_embeddings.weight"]
        self._positions = weights["bert.embeddings.position_embeddings.weight"]
        self._segments = weights["bert.embeddings.token_type_embeddings.weight"]
        self._norm = _affine(weights, "bert.embeddings.LayerNorm", torch.float32)
        heads, layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
        self._layers = [_layer(weights, i, heads, self._eps, kind) for i in range(layers)]
        self._head = Affine(weights["head.weight"], weights["bias"][0])

    def __call__(self, prepared: Tensor) -> tuple[Tensor, Tensor]:
        """Map ids and segments (batch, 2, length) to logits (batch, 7) and pooled states (batch, hidden)."""
        ids, segments = prepared[:, 0], prepared[:, 1]
        x = self._words[ids] + self._positions[: ids.shape[1]] + self._segments[segments]
        x = self._norm.normalise(x, self._eps)
        mask = attention_mask(ids)
        for layer in self._layers:
            x = layer(x, mask)
        pooled = mean_of_utterance(x, ids, segments)
        return self._head.product(pooled), pooled


def expected_shapes(config: Mapping[str, Any]) -> dict[str, Shape]:
    """Return the name and shape of every tensor of the network, as transformers' BertModel names them."""
    hidden, wide = int(config["hidden_size"]), int(config["intermediate_size"])
    shapes: dict[str, Shape] = {"head.weight": (7, hidden), "bias": (1, 7)}
    for name, count in (
        ("word", config["vocab_size"]),
        ("position", config["max_position_embeddings"]),
        ("token_type", config["type_vocab_size"]),
    ):
        shapes[f"bert.embeddings.{name}_embeddings.weight"] = (int(count), hidden)
    affine: dict[str, Shape] = {"bert.embeddings.LayerNorm": (hidden,)}
    for index in range(int(config["num_hidden_layers"])):
        layer = f"bert.encoder.layer.{index}"
        affine |= {f"{layer}.attention.self.{part}": (hidden, hidden) for part in ("query", "key", "value")}
        affine |= {f"{layer}.attention.output.dense": (hidden, hidden)}
        affine |= {f"{layer}.intermediate.dense": (wide, hidden), f"{layer}.output.dense": (hidden, wide)}
        affine |= {f"{layer}.{part}.LayerNorm": (hidden,) for part in ("attention.output", "output")}
    for name, shape in affine.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return shapes


def _check(weights: Mapping[str, Tensor], expected: Mapping[str, Shape]) -> None:
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    if wrong:
        name = wrong[0]
        raise ValueError(
            f"{name}: {found.get(name)}, expected {expected.get(name)}; {len(wrong)} such tensors"
        )


def _layer(weights: Mapping[str, Tensor], index: int, heads: int, eps: float, kind: torch.dtype) -> Layer:
    name = f"bert.encoder.layer.{index}"
    parts = [_affine(weights, f"{name}.attention.self.{part}", kind) for part in ("query", "key", "value")]
    return Layer(
        Affine(torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts])),
        _affine(weights, f"{name}.attention.output.dense", kind),
        _affine(weights, f"{name}.attention.output.LayerNorm", torch.float32),
        _affine(weights, f"{name}.intermediate.dense", kind),
        _affine(weights, f"{name}.output.dense", kind),
        _affine(weights, f"{name}.output.LayerNorm", torch.float32),
        heads,
        eps,
    )


def _affine(weights: Mapping[str, Tensor], name: str, kind: torch.dtype) -> Affine:
    return Affine(weights[f"{name}.weight"].to(kind), weights[f"{name}.bias"].to(kind))


def packed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return matrices as int8 beside a float16 scale per row, vectors as float32."""
    out: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.ndim != 2 or not tensor.is_floating_point():
            out[name] = tensor.contiguous()
            continue
        scale = (tensor.abs().amax(1, keepdim=True) / 127).clamp_min(1e-6).half()
        out[name] = (tensor / scale.float()).round().clamp(-127, 127).to(torch.int8)
        out[name + SCALE] = scale
    return out


def unpacked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what ``packed`` stored, as float32 in memory of its own."""
    scales = {name.removesuffix(SCALE): t.float() for name, t in tensors.items() if name.endswith(SCALE)}
    stored = {name: tensor for name, tensor in tensors.items() if not name.endswith(SCALE)}
    return {
        name: t.float() * scales[name] if name in scales else t.float().clone() for name, t in stored.items()
    }
