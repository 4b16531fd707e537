"""The vocabulary of the shipped text model: the word pieces worth keeping, renumbered."""

import json
from collections.abc import Collection

from torch import Tensor

WORDS = "bert.embeddings.word_embeddings.weight"
POSITIONS = "bert.embeddings.position_embeddings.weight"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


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
