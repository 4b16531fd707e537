"""RAVDESS in five actor-disjoint folds, ready for the reference speech networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from torch import Generator, Tensor

from affectstream.lab.datasets import ravdess
from affectstream.lab.datasets.files import of_corpus
from affectstream.lab.evaluation.outcome import About
from affectstream.lab.splits import Fold, grouped_folds, merged_groups
from affectstream.lab.training import corruptions
from affectstream.lab.training.augment.clips import Extract, prepared, varied
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.memory import Inputs, one_hot
from affectstream.lab.training.recipe import Recipe
from affectstream.schemas.errors import InputError

MEANING = "the intent of the actor; calm is counted as neutral"
Prepare = Callable[[Path, Recipe, Path], tuple[Corpus, Inputs]]


def speech(
    kind: str, extract: Extract, silence: float, image: bool = False, to_judge: bool = False
) -> Prepare:
    """Return what prepares RAVDESS for networks that read the features ``extract`` makes.

    They are kept under the name ``kind``; masks are filled with ``silence``; ``image`` adds a channel;
    without folds, every clip is ``to_judge``.
    """

    def prepare(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Inputs]:
        read = ravdess.read(of_corpus("ravdess", data, "Actor_*"))
        clips = read.clips
        corpus = _with_skipped(_all_to_test(clips), read) if to_judge else corpus_of(read, recipe)
        with Progress(transient=True) as progress:
            task = progress.add_task(f"hearing {kind}", total=len(clips))
            made = prepared(clips, extract, cache / f"{kind}.npz", lambda: progress.advance(task))
        inputs = _inputs(torch.from_numpy(made), corpus.labels, recipe, silence, image)
        return corpus, replace(
            inputs, corrupted=lambda rows: corruptions.speech([clips[i] for i in rows], extract)
        )

    return prepare


def corpus_of(read: ravdess.Clips, recipe: Recipe, held_out: bool = True) -> Corpus:
    """Return the folds of the recipe over the actors of ``read``; raises InputError for other folds.

    Of the actors to learn from some are ``held_out``, or none.
    """
    clips = read.clips
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    keys = merged_groups([clip.actor for clip in clips], [clip.sha256 for clip in clips])
    strata = [(clip.label, clip.sex) for clip in clips]
    folds = ravdess.folds_of(clips)
    chosen = recipe.folds or tuple(range(ravdess.FOLDS))
    if not set(chosen) <= set(range(ravdess.FOLDS)):
        raise InputError(f"there are the folds 0 to {ravdess.FOLDS - 1}, not {list(chosen)}")
    none = np.zeros(0, dtype=np.int64)
    parts = tuple(
        _part(k, folds[k], strata, keys, recipe)
        if held_out
        else Part(f"fold-{k}", folds[k].train, none, folds[k].test)
        for k in chosen
    )
    which = "five folds" if len(chosen) == ravdess.FOLDS else f"fold {', '.join(map(str, chosen))} of five"
    about = About(
        f"RAVDESS, {which}",
        "RAVDESS",
        f"{which} over {len(set(keys.tolist()))} actors, none of them in training and in test",
        MEANING,
        "actors",
    )
    return _with_skipped(Corpus(about, labels, _actors(clips), keys, parts, _known(clips)), read)


def _all_to_test(clips: tuple[ravdess.Clip, ...]) -> Corpus:
    labels = np.array([clip.label for clip in clips], dtype=np.int64)
    keys = merged_groups([clip.actor for clip in clips])
    nothing = np.zeros(0, dtype=np.int64)
    about = About("RAVDESS, other actors", "RAVDESS", "actors not trained on", MEANING, "actors")
    part = Part("", nothing, nothing, np.arange(len(clips)))
    return Corpus(about, labels, _actors(clips), keys, (part,), _known(clips))


def _known(clips: tuple[ravdess.Clip, ...]) -> dict[str, tuple[str, ...]]:
    actors = tuple(f"{clip.actor:02d}" for clip in clips)
    return {"sex": tuple(clip.sex for clip in clips), "actor": actors}


def _with_skipped(corpus: Corpus, read: ravdess.Clips) -> Corpus:
    """Return ``corpus``, its split saying how many files were left out."""
    if not read.skipped:
        return corpus
    split = f"{corpus.about.split}; {len(read.skipped)} files that are no whole clip left out"
    return replace(corpus, about=replace(corpus.about, split=split))


def _actors(clips: tuple[ravdess.Clip, ...]) -> tuple[str, ...]:
    return tuple(f"actor {clip.actor:02d}" for clip in clips)


def _part(k: int, fold: Fold, strata: list[tuple[int, str]], keys: Indices, recipe: Recipe) -> Part:
    inner_folds = max(2, round(1 / recipe.held_out))
    mine = keys[fold.train].tolist()
    inner = grouped_folds([strata[i] for i in fold.train], mine, inner_folds, recipe.seed)[0]
    return Part(f"fold-{k}", fold.train[inner.train], fold.train[inner.test], fold.test)


def _inputs(made: Tensor, labels: Indices, recipe: Recipe, silence: float, image: bool) -> Inputs:
    def shaped(x: Tensor) -> Tensor:
        return x[:, None] if image else x

    def training(rows: Tensor, epoch: int, rng: Generator) -> Tensor:
        return shaped(varied(rows, rng, silence) if recipe.augment else rows[:, 0])

    def plain(rows: Tensor, epoch: int) -> tuple[Tensor, ...]:
        return (shaped(rows[:, 0]),)

    return Inputs(made, one_hot(labels), training, plain)
