"""The shipped text network continued on sentences of service calls, beside a part of MELD and GoEmotions.

It starts from text weights as they are shipped: the word vectors, which training never moves, were cut to a
vocabulary that holds all of printable ASCII.
"""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from affectstream.lab.calls.sentences import Sentence, in_style, read_sentences
from affectstream.lab.datasets.texts import Row, labels_of
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import merged_groups
from affectstream.lab.training.augment.texts import Turns, varied
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.files import weights
from affectstream.lab.training.memory import mean_answer, one_hot
from affectstream.lab.training.networks.minilm import CALLS, TextNetwork
from affectstream.lab.training.recipe import CallsRecipe, Recipe
from affectstream.lab.training.task import Batch
from affectstream.lab.training.tasks.text import Texts, TextTask, rows_of
from affectstream.models.text.network import unpacked
from affectstream.models.text.tokenise import Tokeniser
from affectstream.models.weights import read_card
from affectstream.schemas.errors import InputError

LOGGED = 6  # every so many held-out rows are looked at after an epoch; shipping calibrates on all of them
ABOUT = About(
    "sentences of service calls, as a recogniser writes them",
    "sentences of service calls",
    "held out by topic; trained on other topics, MELD train and GoEmotions train",
    "the seven, by intent",
    "topics",
)


class CallTexts(Texts):
    """Sentences of calls beside MELD and GoEmotions, and the tokeniser of the starting weights."""

    def task(self, part: Part, labels: Indices, recipe: Recipe) -> TextTask:
        """Return the task of learning the rows of ``part``."""
        assert isinstance(recipe, CallsRecipe)
        return CallsTask(self, part, labels, recipe)


class CallsTask(TextTask):
    """Training on every sentence several times an epoch, beside a part of MELD and GoEmotions."""

    def __init__(self, given: Texts, part: Part, labels: Indices, recipe: CallsRecipe) -> None:
        """Take the rows of ``part``; ``labels`` (n,) are those of all rows."""
        super().__init__(given, part, labels, recipe)
        self._calls = recipe
        self._sentences = read_sentences("train")
        counts = Counter(row.label for row in self._go)
        self._weights = [counts[row.label] ** -recipe.balance for row in self._go]
        self._turns = Turns(self._sentences, recipe.prefaced, recipe.in_context)

        self._place = torch.device(recipe.device)
        self._teachers = [_teacher(Path(folder), recipe).to(self._place) for folder in recipe.teachers]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``, replayed rows with a share of the teachers' answers as targets."""
        for batch in super().batches(epoch):
            yield batch._replace(targets=self._taught(batch)) if self._teachers else batch

    def _taught(self, batch: Batch) -> Tensor:
        """Return the targets (n, 7) of ``batch`` (Li and Hoiem, "Learning without forgetting", 2018)."""
        prepared, corpora = (x.to(self._place) for x in batch.inputs)
        half = self._calls.precision == "bfloat16"
        with torch.autocast(self._place.type, torch.bfloat16, half):
            answers = mean_answer(self._teachers, prepared, corpora)
        share = self._calls.taught * (corpora != CALLS).float()[:, None]
        targets: Tensor = (1 - share) * one_hot(batch.targets.numpy()).to(self._place) + share * answers
        return targets

    def rows(self, epoch: int) -> list[Row]:
        """Return what is learnt in ``epoch``, the same whenever it is asked for."""
        r = self._calls
        rng = random.Random(f"{r.seed} {r.order} {epoch}")
        spoken = [self._turns.drawn(s, rng) for _ in range(r.calls_times) for s in self._sentences]
        replayed = rng.sample(self._meld, min(r.meld_replayed, len(self._meld)))
        replayed += rng.choices(self._go, self._weights, k=r.goemotions_replayed)
        return spoken + [_varied(row, rng, r.varied) for row in replayed]


def _varied(row: Row, rng: random.Random, share: float) -> Row:
    if rng.random() >= share:
        return row
    return Row(varied(row.text, rng), row.context, row.label, row.corpus, row.group, row.speaker)


def call_row(sentence: Sentence) -> Row:
    """Return ``sentence`` as a row to judge by, without context."""
    return Row(sentence.text, (), sentence.label, CALLS, sentence.group)


def calls(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Texts]:
    """Return the corpora to learn from beside the sentences, and the held-out sentences to test."""
    assert isinstance(recipe, CallsRecipe)
    meld, go, held = rows_of(data, recipe)
    test = [call_row(s) for s in in_style(read_sentences("held"), "recogniser")]
    seen = held[::LOGGED]
    rows = (*meld, *go, *seen, *test)
    ends = np.cumsum([0, len(meld) + len(go), len(seen), len(test)])
    learn, kept, tested = (np.arange(a, b) for a, b in pairwise(ends.tolist()))
    labels = labels_of(rows)
    groups = tuple(row.group for row in rows)
    corpus = Corpus(ABOUT, labels, groups, merged_groups(groups), (Part("", learn, kept, tested),))
    return corpus, CallTexts(rows, Tokeniser(start_folder(recipe) / "text.tokenizer.json"))


def _teacher(folder: Path, recipe: Recipe) -> TextNetwork:
    """Return the network in ``folder``; raises InputError where its vocabulary is not that of the start."""
    start = start_folder(recipe)
    words = [read_card("text", place).config["tokenizer_sha256"] for place in (start, folder)]
    if words[0] != words[1]:
        raise InputError(f"{folder} cannot teach what begins from {start}: they have different vocabularies")
    return continued(folder, recipe).eval()


def start_folder(recipe: Recipe) -> Path:
    """Return the folder of the text weights to start from; raises InputError where the recipe names none."""
    if recipe.weights is None:
        raise InputError("text-calls continues text weights: give --weights FOLDER, one that `ship` wrote")
    return Path(recipe.weights)


def network(recipe: Recipe) -> nn.Module:
    """Return the network with the weights that it starts from, and one bias as in the stream."""
    assert isinstance(recipe, CallsRecipe)
    made = continued(start_folder(recipe), recipe)
    made.bert.embeddings.requires_grad_(False)
    for layer in made.bert.encoder.layer[: recipe.frozen]:
        layer.requires_grad_(False)
    return made


def continued(start: Path, recipe: Recipe) -> TextNetwork:
    """Return the network with the text weights in ``start``; raises InputError where there are none."""
    state = unpacked(weights(start / "text.safetensors"))
    made = TextNetwork(read_card("text", start).config["encoder"], dropout=recipe.dropout)
    try:
        made.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise InputError(
            f"{start} holds no text weights to continue from: give a folder of `ship`"
        ) from error
    return made
