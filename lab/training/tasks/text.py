"""The shipped text network: an encoder that learns sentences of service calls, MELD and GoEmotions together.

It can also continue text weights as they are shipped. A part of MELD's training dialogues and of GoEmotions'
training comments is held out for the temperatures; the official development sets and the held-out sentences
are only tested on.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectstream.lab.calls.sentences import Sentence, in_style, read_sentences
from affectstream.lab.datasets import files, texts
from affectstream.lab.datasets.texts import CALLS, Row, goemotions_rows, labels_of, meld_rows
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import merged_groups
from affectstream.lab.statistics import Floats
from affectstream.lab.training.augment.texts import Turns, varied
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.memory import one_hot
from affectstream.lab.training.networks.bert import TextNetwork
from affectstream.lab.training.networks.text_start import begun, continued, is_text_weights, tokenizer_of
from affectstream.lab.training.recipe import Recipe, TextRecipe
from affectstream.lab.training.task import Batch
from affectstream.models.text.tokenise import Tokeniser
from affectstream.schemas.errors import InputError

AT_ONCE = 64  # texts of an evaluation
LOGGED = 6  # every so many held-out rows are looked at after an epoch; shipping calibrates on all of them
ABOUT = About(
    "sentences of service calls, as a recogniser writes them",
    "sentences of service calls",
    "held out by topic; trained on other topics, MELD train and GoEmotions train",
    "the seven, by intent",
    "topics",
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
                prepared = torch.from_numpy(texts.pad([laid[j] for j in part]))
                found[part] = network(prepared.to(recipe.device)).double().cpu().numpy()
        return found

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the rows to learn from."""
        return one_hot(np.array([self.rows[i].label for i in part.learn], dtype=np.int64))


class TextTask:
    """Training on every sentence of calls several times an epoch, beside a part of MELD and GoEmotions."""

    def __init__(self, given: Texts, part: Part, labels: Indices, recipe: TextRecipe) -> None:
        """Take the rows of ``part``; ``labels`` (n,) are those of all rows."""
        self._given, self._part, self._recipe = given, part, recipe
        self.held_labels = labels[part.held]
        rows = [given.rows[i] for i in part.learn]
        self._meld = [row for row in rows if row.corpus == 0]
        self._go = [row for row in rows if row.corpus == 1]
        self._sentences = read_sentences("train")
        counts = Counter(row.label for row in self._go)
        self._weights = [counts[row.label] ** -recipe.balance for row in self._go]
        self._turns = Turns(self._sentences, recipe.prefaced, recipe.in_context)

    def rows(self, epoch: int) -> list[Row]:
        """Return what is learnt in ``epoch``, the same whenever it is asked for."""
        r = self._recipe
        rng = random.Random(f"{r.seed} {r.order} {epoch}")
        spoken = [self._turns.drawn(s, rng) for _ in range(r.calls_times) for s in self._sentences]
        others = rng.sample(self._meld, min(r.meld_replayed, len(self._meld)))
        others += rng.choices(self._go, self._weights, k=r.goemotions_replayed)
        return spoken + [_varied(row, rng, r.varied) for row in others]

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
            yield Batch((torch.from_numpy(batch.prepared),), torch.from_numpy(batch.labels))

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


def _varied(row: Row, rng: random.Random, share: float) -> Row:
    if rng.random() >= share:
        return row
    return Row(varied(row.text, rng), row.context, row.label, row.corpus, row.group, row.speaker)


def call_row(sentence: Sentence) -> Row:
    """Return ``sentence`` as a row to judge by, without context."""
    return Row(sentence.text, (), sentence.label, CALLS, sentence.group)


def rows_of(data: Path, recipe: TextRecipe) -> tuple[list[Row], list[Row], list[Row]]:
    """Return MELD's and GoEmotions' rows to train on and the rows held out of both."""
    meld = files.of_corpus("meld", data, "train_sent_emo.csv")
    comments = files.of_corpus("goemotions", data, "train.tsv")
    learn, held = texts.hold_out(meld_rows(meld / "train_sent_emo.csv"), recipe.held_out, recipe.seed)
    go, held_go = texts.hold_out(goemotions_rows(comments / "train.tsv"), recipe.goemotions_held, recipe.seed)
    return learn, texts.capped(go, recipe.goemotions_cap, recipe.seed + recipe.order), held + held_go


def utterances(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Texts]:
    """Return the corpora to learn from beside the sentences, and the held-out sentences to test."""
    assert isinstance(recipe, TextRecipe)
    meld, go, held = rows_of(data, recipe)
    test = [call_row(s) for s in in_style(read_sentences("held"), "recogniser")]
    seen = held[::LOGGED]
    rows = (*meld, *go, *seen, *test)
    ends = np.cumsum([0, len(meld) + len(go), len(seen), len(test)])
    learn, kept, tested = (np.arange(a, b) for a, b in pairwise(ends.tolist()))
    labels = labels_of(rows)
    groups = tuple(row.group for row in rows)
    corpus = Corpus(ABOUT, labels, groups, merged_groups(groups), (Part("", learn, kept, tested),))
    return corpus, Texts(rows, Tokeniser(tokenizer_of(start_folder(recipe))))


def start_folder(recipe: Recipe) -> Path:
    """Return the folder of what training starts from; raises InputError where the recipe names none."""
    if recipe.weights is None:
        raise InputError(
            "text starts from an encoder or from text weights: give --weights FOLDER; "
            "`python -m affectstream.lab.training.networks.bge FOLDER` writes the encoder"
        )
    return Path(recipe.weights)


def network(recipe: Recipe) -> nn.Module:
    """Return the network with what it starts from; embeddings and the lowest layers stay as they are."""
    assert isinstance(recipe, TextRecipe)
    start = start_folder(recipe)
    if is_text_weights(start):
        made = continued(start, recipe.dropout)
    elif recipe.start_share:
        raise InputError(f"start_share keeps a part of text weights; {start} holds an encoder")
    else:
        made = begun(start, recipe.layers, recipe.dropout, recipe.seed)
    made.bert.embeddings.requires_grad_(False)
    for layer in made.bert.encoder.layer[: recipe.frozen]:
        layer.requires_grad_(False)
    return made
