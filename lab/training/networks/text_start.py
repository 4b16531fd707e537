"""What training of the text network starts from: an encoder that knows no emotions, or text weights."""

import json
from pathlib import Path
from typing import Any

import torch

from affectstream.lab.training.files import weights
from affectstream.lab.training.networks.bert import TextNetwork
from affectstream.models.text.network import unpacked
from affectstream.models.weights import read_card
from affectstream.schemas.errors import InputError

CONFIG_KEYS = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
    *("intermediate_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps"),
)


def is_text_weights(start: Path) -> bool:
    """Tell whether ``start`` holds text weights, as ``ship`` writes them, and not an encoder."""
    return (start / "text.tokenizer.json").exists()


def tokenizer_of(start: Path) -> Path:
    """Return the tokenizer of what lies in ``start``."""
    return start / ("text.tokenizer.json" if is_text_weights(start) else "tokenizer.json")


def begun(start: Path, layers: int, dropout: float, seed: int) -> TextNetwork:
    """Return the network with the encoder in ``start``, or its lowest ``layers``, and a random head.

    ``start`` is a folder as transformers keeps a BERT encoder; raises InputError for another.
    """
    torch.manual_seed(seed)
    made = TextNetwork(encoder_config(start, layers), dropout=dropout)
    stored = weights(start / "model.safetensors")
    found = {name: tensor for name, tensor in stored.items() if "position_ids" not in name}
    missing = made.bert.load_state_dict(found, strict=False).missing_keys
    if missing:
        raise InputError(f"{start}: the starting weights lack {missing[0]} and {len(missing) - 1} more")
    return made


def encoder_config(start: Path, layers: int = 0) -> dict[str, Any]:
    """Return what the encoder in ``start`` is built from, with its lowest ``layers`` alone; 0: with all."""
    try:
        config = json.loads((start / "config.json").read_text())
        found = {key: config[key] for key in CONFIG_KEYS}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{start} holds no starting weights: expected config.json of a BERT encoder"
        ) from error
    if layers > found["num_hidden_layers"]:
        raise InputError(f"{start} has {found['num_hidden_layers']} layers, and {layers} are to be taken")
    return found | {"num_hidden_layers": layers or found["num_hidden_layers"]}


def continued(start: Path, dropout: float) -> TextNetwork:
    """Return the network with the text weights in ``start``; raises InputError where there are none."""
    state = unpacked(weights(start / "text.safetensors"))
    made = TextNetwork(read_card("text", start).config["encoder"], dropout=dropout)
    try:
        made.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise InputError(
            f"{start} holds no text weights to continue from: give a folder of `ship`"
        ) from error
    return made
