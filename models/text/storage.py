"""Matrices as int8 with one scale per row, and vocabularies cut to what is needed.

Only the file is int8: on loading, every tensor becomes float32 again.
"""

import json
from collections.abc import Collection

import torch
from torch import Tensor

SCALE = ".scale"
WORDS = "bert.embeddings.word_embeddings.weight"
POSITIONS = "bert.embeddings.position_embeddings.weight"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


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


def needed(vocabulary: dict[str, int], seen: Collection[int]) -> list[int]:
    """Return the ids worth keeping, in order: special tokens, printable ASCII, those seen in training."""
    kept = set(seen)
    for token, i in vocabulary.items():
        plain = token.isascii() and token.isprintable() and not token.startswith("[unused")
        if plain or token in SPECIAL:
            kept.add(i)
    return sorted(kept)


def cut_tokenizer(source: str, kept: list[int]) -> str:
    """Return the tokenizer.json ``source`` with only the ``kept`` ids, numbered anew from zero."""
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
