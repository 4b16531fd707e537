"""The text network in training: transformers' BERT with a head, and the vocabulary as shipped."""

import json
from collections.abc import Collection
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from affectstream.models.text.network import attention_mask, mean_of_utterance

WORDS = "bert.embeddings.word_embeddings.weight"
POSITIONS = "bert.embeddings.position_embeddings.weight"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class TextNetwork(nn.Module):
    """Token ids and segments in, logits of the seven emotions out.

    The mean of the last hidden states over the utterance (not its context) goes to one linear layer.
    ``affectstream.models.text.network`` computes the same from the same weights.
    """

    def __init__(self, config: dict[str, Any], dropout: float = 0.1) -> None:
        """Build from the keyword arguments of BertConfig, with random weights and no network access."""
        super().__init__()
        self.bert = BertModel(BertConfig(**config, attn_implementation="eager"), add_pooling_layer=False)
        hidden = int(self.bert.config.hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, 7, bias=False)
        self.bias = nn.Parameter(torch.zeros(1, 7))

    def embed(self, prepared: Tensor) -> Tensor:
        """Return the pooled utterance (batch, hidden) of ids and segments (batch, 2, length)."""
        ids, segments = prepared[:, 0], prepared[:, 1]
        # A mask of four dimensions is taken as it is. One of two may be dropped by transformers where no row
        # of the batch is padded, so that a row's bits would depend on the rows beside it.
        mask = attention_mask(ids)
        found = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=segments)
        return mean_of_utterance(found.last_hidden_state, ids, segments)

    def forward(self, prepared: Tensor) -> Tensor:
        """Return logits (batch, 7)."""
        return cast(Tensor, self.head(self.dropout(self.embed(prepared))) + self.bias)


def needed(vocabulary: dict[str, int], seen: Collection[int]) -> list[int]:
    """Return the ids worth keeping, in order: special tokens, printable ASCII, those seen in training."""
    kept = set(seen)
    for token, i in vocabulary.items():
        plain = token.isascii() and token.isprintable() and not token.startswith("[unused")
        if plain or token in SPECIAL:
            kept.add(i)
    return sorted(kept)


def cut_tokenizer(source: str, kept: list[int]) -> str:
    """Return the tokenizer.json ``source`` with only the ``kept`` ids, renumbered from zero."""
    whole = json.loads(source)
    renumbered = {old: new for new, old in enumerate(kept)}
    vocabulary = whole["model"]["vocab"]
    whole["model"]["vocab"] = {t: renumbered[i] for t, i in vocabulary.items() if i in renumbered}
    for token in whole["added_tokens"]:
        token["id"] = renumbered[token["id"]]
    for token in (whole["post_processor"] or {}).get("special_tokens", {}).values():
        token["ids"] = [renumbered[i] for i in token["ids"]]
    whole["truncation"] = whole["padding"] = None
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def cut_state(state: dict[str, Tensor], kept: list[int], positions: int) -> dict[str, Tensor]:
    """Return the network's tensors with the ``kept`` words and the first ``positions`` only."""
    return state | {WORDS: state[WORDS][kept], POSITIONS: state[POSITIONS][:positions]}
