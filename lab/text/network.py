"""A BERT encoder with pooling over the utterance and a linear head."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

CORPORA = ("meld", "goemotions")
"""Corpora whose class shares differ: in training each has its own bias in the head."""


def attention_mask(ids: Tensor) -> Tensor:
    """Return what is added to the attention scores (batch, 1, 1, length) of ids (batch, length).

    A mask of four dimensions is taken as it is. One of two may be dropped by transformers where no row of the
    batch is padded, so that a row's bits would depend on the rows beside it.
    """
    return torch.where(ids != 0, 0.0, torch.finfo(torch.float32).min)[:, None, None, :]


def mean_of_utterance(states: Tensor, ids: Tensor, segments: Tensor) -> Tensor:
    """Return the mean (batch, hidden) of the states (batch, length, hidden) that are of the utterance."""
    mine = ((segments == 0) & (ids != 0)).unsqueeze(-1).to(states.dtype)  # (batch, length, 1)
    return (states * mine).sum(1) / mine.sum(1).clamp_min(1.0)


class TextNetwork(nn.Module):
    """Token ids and segments in, logits of the seven emotions out.

    The mean of the last hidden states over the utterance (not its context) goes to one linear layer. In
    training that layer has a bias per corpus, since the corpora differ in their shares of the classes; the
    shipped network has one.
    """

    def __init__(self, config: dict[str, Any], corpora: int = 1, dropout: float = 0.1) -> None:
        """Build from the keyword arguments of BertConfig, with random weights and no network access."""
        super().__init__()
        self.bert = BertModel(BertConfig(**config, attn_implementation="eager"), add_pooling_layer=False)
        hidden = int(self.bert.config.hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, 7, bias=False)
        self.bias = nn.Parameter(torch.zeros(corpora, 7))

    def embed(self, prepared: Tensor) -> Tensor:
        """Return the pooled utterance (batch, hidden) of ids and segments (batch, 2, length)."""
        ids, segments = prepared[:, 0], prepared[:, 1]
        states = self.bert(
            input_ids=ids, attention_mask=attention_mask(ids), token_type_ids=segments
        ).last_hidden_state
        return mean_of_utterance(states, ids, segments)

    def forward(self, prepared: Tensor, corpus: Tensor | None = None) -> Tensor:
        """Return logits (batch, 7); ``corpus`` (batch,) indexes CORPORA, None means the first."""
        bias = self.bias[0] if corpus is None else self.bias[corpus]
        return cast(Tensor, self.head(self.dropout(self.embed(prepared))) + bias)
