"""MELD with whole dialogues held out, for the reference text classifiers."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor
from transformers import AutoTokenizer

from affectstream.lab.datasets.meld import Utterance, read_meld
from affectstream.lab.datasets.texts import CAST, OTHERS
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import grouped_folds, merged_groups
from affectstream.lab.training import corruptions
from affectstream.lab.training.corpus import Corpus, Corrupted, Indices, Part
from affectstream.lab.training.memory import Inputs, one_hot
from affectstream.lab.training.recipe import Recipe
from affectstream.models.hub.snapshot import fetch
from affectstream.models.text.tokenise import plain
from affectstream.schemas.errors import InputError

LENGTH = 64  # tokens
PAD = -1
TRAIN, TEST, HELD_BACK = "train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv"
Texts = Callable[[Path, Recipe], tuple[Corpus, tuple[str, ...]]]
Prepare = Callable[[Path, Recipe, Path], tuple[Corpus, Inputs]]


def utterances(data: Path, recipe: Recipe) -> tuple[Corpus, tuple[str, ...]]:
    """Return MELD train and dev, and their utterances as texts; raises InputError without either."""
    folder = data if (data / TRAIN).exists() else data / "meld"
    learn, test = read_meld(folder / TRAIN, 0), read_meld(folder / TEST, 0)
    return _corpus(learn, test, recipe), tuple(plain(u.text) for u in (*learn, *test))


def utterances_to_judge(data: Path, recipe: Recipe) -> tuple[Corpus, tuple[str, ...]]:
    """Return a CSV of MELD, or the test split of a folder, all of it to test."""
    folder = data if (data / HELD_BACK).exists() else data / "meld"
    path = data if data.is_file() else folder / HELD_BACK
    found = read_meld(path, 0)
    labels, keys = np.array([u.label for u in found], dtype=np.int64), merged_groups([u.group for u in found])
    nothing = np.zeros(0, dtype=np.int64)
    name = path.stem.removesuffix("_sent_emo")
    about = _about(f"MELD {name}", f"{name}, not trained on")
    part = Part("", nothing, nothing, np.arange(len(found)))
    corpus = Corpus(about, labels, tuple(u.group for u in found), keys, (part,), _known(found))
    return corpus, tuple(plain(u.text) for u in found)


def tokenised(read: Texts) -> Prepare:
    """Return what prepares the texts of ``read`` as ids (n, 64), padded with -1, for the recipe's encoder."""

    def prepare(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Inputs]:
        corpus, texts = read(data, recipe)
        folder = encoder_folder(recipe)
        stored = torch.from_numpy(ids_of(texts, folder))

        def misheard(rows: Indices) -> Iterator[Corrupted[Tensor]]:
            for one in corruptions.words([texts[i] for i in rows]):
                ids = torch.from_numpy(ids_of(one.rows, folder))
                yield Corrupted(one.condition, one.severity, one.unit, ids)

        return corpus, Inputs(stored, one_hot(corpus.labels), _trimmed, _whole, misheard)

    return prepare


def encoder_folder(recipe: Recipe) -> Path:
    """Return the files of the recipe's encoder; raises InputError without weights, ModelError for others."""
    if recipe.weights is None:
        raise InputError(f"{recipe.network} starts from a pretrained encoder: give --weights FOLDER or ID")
    return fetch(recipe.weights).folder


def ids_of(texts: Sequence[str], folder: Path) -> npt.NDArray[np.int64]:
    """Return the ids (n, 64) of ``texts`` by the transformers tokeniser in ``folder``."""
    read = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    laid = read(list(texts), truncation=True, max_length=LENGTH, padding="max_length")
    return np.where(np.array(laid["attention_mask"]), np.array(laid["input_ids"]), PAD)


def _trimmed(rows: Tensor, epoch: int, rng: Generator | None = None) -> Tensor:
    return rows[:, : max(1, int((rows != PAD).sum(dim=1).max()))]


def _whole(rows: Tensor, epoch: int) -> tuple[Tensor, ...]:
    return (_trimmed(rows, epoch),)


def _corpus(learn: Sequence[Utterance], test: Sequence[Utterance], recipe: Recipe) -> Corpus:
    both = [*learn, *test]
    labels = np.array([u.label for u in both], dtype=np.int64)
    groups = tuple(u.group for u in both)
    keys = merged_groups(groups)
    inner_folds = max(2, round(1 / recipe.held_out))
    first = np.arange(len(learn))
    inner = grouped_folds(labels[first].tolist(), keys[first].tolist(), inner_folds, recipe.seed)[0]
    part = Part("", inner.train, inner.test, np.arange(len(learn), len(both)))
    about = _about("MELD dev", "trained on train; no dialogue is divided")
    return Corpus(about, labels, groups, keys, (part,), _known(both))


def _known(found: Sequence[Utterance]) -> dict[str, tuple[str, ...]]:
    return {"speaker": tuple(u.speaker if u.speaker in CAST else OTHERS for u in found)}


def _about(name: str, split: str) -> About:
    return About(name, "MELD", f"{split}; each utterance alone", "the seven of MELD", "dialogues")
