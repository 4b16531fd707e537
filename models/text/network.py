"""The text network for inference only: the same numbers with fewer calls.

At one utterance a pass, a fifth of the time goes to Python and to three products where one does. Here a layer
is a dozen calls on tensors taken out of the network once; queries, keys and values are one product. The
products take bfloat16 where the processor multiplies it itself; all between them is float32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention

from affectstream.models.text.network import TextNetwork, attention_mask, mean_of_utterance


@dataclass(frozen=True, slots=True)
class Affine:
    """Weight and bias of a linear layer or a normalisation."""

    weight: Tensor
    bias: Tensor

    def of(self, x: Tensor) -> Tensor:
        """Return the linear layer's product with ``x`` in the weight's own type, as float32."""
        return linear(x.to(self.weight.dtype), self.weight, self.bias).to(torch.float32)


@dataclass(frozen=True, slots=True)
class Layer:
    """The parameters of one layer of BERT."""

    attend: Affine  # (3 x hidden, hidden): queries, keys, values
    mix: Affine
    after_attention: Affine
    widen: Affine
    narrow: Affine
    after_widening: Affine


def affine(module: Any, kind: torch.dtype = torch.float32) -> Affine:
    """Return the parameters of a linear layer or a normalisation."""
    return Affine(module.weight.detach().to(kind), module.bias.detach().to(kind))


def layer_of(layer: Any, kind: torch.dtype) -> Layer:
    """Return the parameters of a BertLayer, those of the products as ``kind``."""
    own = layer.attention.self
    parts = [affine(module, kind) for module in (own.query, own.key, own.value)]
    together = Affine(torch.cat([p.weight for p in parts]), torch.cat([p.bias for p in parts]))
    out = layer.attention.output
    return Layer(
        together,
        affine(out.dense, kind),
        affine(out.LayerNorm),
        affine(layer.intermediate.dense, kind),
        affine(layer.output.dense, kind),
        affine(layer.output.LayerNorm),
    )


def through(layer: Layer, x: Tensor, mask: Tensor, heads: int, eps: float) -> Tensor:
    """Return the states (batch, length, hidden) after one layer."""
    batch, length, hidden = x.shape
    q, k, v = layer.attend.of(x).view(batch, length, 3, heads, hidden // heads).permute(2, 0, 3, 1, 4)
    seen = scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (batch, heads, length, hidden / heads)
    seen = layer.mix.of(seen.transpose(1, 2).reshape(batch, length, hidden))
    x = layer_norm(x + seen, (hidden,), layer.after_attention.weight, layer.after_attention.bias, eps)
    narrow = layer.narrow.of(gelu(layer.widen.of(x)))  # by way of (batch, length, 4 x hidden)
    return layer_norm(x + narrow, (hidden,), layer.after_widening.weight, layer.after_widening.bias, eps)


def lean(network: TextNetwork, kind: torch.dtype) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Return ``network`` in eval mode, its products in ``kind``.

    It maps prepared texts (batch, 2, length) to logits (batch, 7) and what they were read from: the mean of
    the utterance's states (batch, hidden).
    """
    bert, config = network.bert, network.bert.config
    heads, eps = int(config.num_attention_heads), float(config.layer_norm_eps)
    words = bert.embeddings.word_embeddings.weight.detach()
    positions = bert.embeddings.position_embeddings.weight.detach()
    segments = bert.embeddings.token_type_embeddings.weight.detach()
    first = affine(bert.embeddings.LayerNorm)
    layers = [layer_of(layer, kind) for layer in bert.encoder.layer]
    head, bias = network.head.weight.detach(), network.bias[0].detach()

    def forward(prepared: Tensor) -> tuple[Tensor, Tensor]:
        ids, parts = prepared[:, 0], prepared[:, 1]
        x = words[ids] + positions[: ids.shape[1]] + segments[parts]
        x = layer_norm(x, x.shape[-1:], first.weight, first.bias, eps)
        mask = attention_mask(ids)
        for layer in layers:
            x = through(layer, x, mask, heads, eps)
        mean = mean_of_utterance(x, ids, parts)
        return linear(mean, head, bias), mean

    return forward
