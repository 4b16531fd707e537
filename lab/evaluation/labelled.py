"""Evaluation of shipped weights on any corpus that has a reader, and on a folder of files by class."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets import by_class, fer2013, readers
from affectstream.lab.datasets.catalogue import CORPORA, entry
from affectstream.lab.evaluation import targets
from affectstream.lab.evaluation.known_speaker import with_known
from affectstream.lab.evaluation.outcome import About, Evaluation, Outcome, Target
from affectstream.lab.evaluation.run import EvaluationRequest
from affectstream.lab.statistics import Floats, Labels, uncalibrated
from affectstream.models.weights import Card, read_card
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS

MODALITIES = {"face": "video", "voice": "audio"}
CLASSES = "the folder that a file lies in"
LEARNT = (
    "The weights learnt from this corpus: unless it marks a part as not learnt from, these figures show what "
    "was remembered, not what is reached on people never met."
)


@dataclass(frozen=True)
class Labelled:
    """A corpus to judge by: ``items`` are its reader's own records."""

    about: About
    items: Sequence[Any]  # n
    labels: Labels  # (n,)
    groups: tuple[str, ...]  # (n,)
    notes: tuple[str, ...]

    def take(self, rows: npt.NDArray[np.int64] | slice) -> "Labelled":
        """Return the chosen rows."""
        kept = np.arange(len(self.labels))[rows]
        items, groups = [self.items[i] for i in kept], tuple(self.groups[i] for i in kept)
        return Labelled(self.about, items, self.labels[kept], groups, self.notes)


Predict = Callable[[Sequence[Any]], tuple[Floats, npt.NDArray[np.bool_]]]
"""Items to calibrated probabilities (n, 7), and which items (n,) had anything to predict from."""


def evaluate(name: str, request: EvaluationRequest, predict: Predict) -> Evaluation:
    """Return how ``predict``, the shipped ``name``, does on the corpus or the folder of ``request``."""
    card = read_card(name, request.weights)
    found = read(name, request, card)
    found = found.take(request.some(len(found.labels)))
    p, present = predict(found.items)
    if not present.any():
        raise InputError(f"{found.about.data}: in none of {len(present)} files is there anything to predict")
    judged = found.take(np.flatnonzero(present))
    before, after = uncalibrated(p[present], card.temperature), p[present]
    outcome = Outcome(judged.about, judged.labels, judged.groups, before, after)
    share = f"{1 - present.mean():.3f} ({(~present).sum()} of {len(present)})"
    outcomes = tuple(with_known([outcome])) if name == "voice" else (outcome,)
    told = (
        targets.at_least("UAR, speakers known", each, "uar", None, request.draws) for each in outcomes[1:]
    )
    lines = (*_lines(outcome, request.draws), *told, Target("abstained", "", share, None, None))
    return Evaluation(name, card, outcomes, (), "uar", lines, found.notes, request.command)


def read(name: str, request: EvaluationRequest, card: Card) -> Labelled:
    """Return what ``request`` names for the model ``name``; raises InputError where that is not for it."""
    if name not in MODALITIES:
        raise InputError(f"a corpus or a folder by class is judged for {', '.join(MODALITIES)}, not {name}")
    if request.corpus is None:
        assert request.folder is not None
        return _folder(name, request.folder)
    corpus = entry(request.corpus)
    if MODALITIES[name] not in corpus.modalities:
        fitting = ", ".join(c.name for c in CORPORA if MODALITIES[name] in c.modalities)
        raise InputError(f"{corpus.name} is not for the {name}: there are {fitting}")
    path = _located(corpus.name, request)
    items, labels, groups, skipped = _unlearnt(corpus.name, path)
    learnt = [line for line in card.data if corpus.title.casefold() in line.casefold()]
    split = f"all but what is marked as training; the weights learnt from {learnt[0]}" if learnt else "all"
    about = About(corpus.title, corpus.title, split, corpus.choices, corpus.groups, judged=False)
    return Labelled(about, items, labels, groups, (*_left_out(len(skipped)), *(LEARNT,) * bool(learnt)))


def _folder(name: str, folder: Path) -> Labelled:
    found = by_class.pictures(folder) if name == "face" else by_class.sounds(folder)
    labels = np.array([file.label for file in found.files], dtype=np.int64)
    about = About(folder.name, folder.name, "all", CLASSES, "people or equal files", judged=False)
    groups = tuple(file.group for file in found.files)
    return Labelled(about, found.files, labels, groups, _left_out(len(found.skipped)))


def _left_out(n: int) -> tuple[str, ...]:
    return (f"{n} files that cannot be read or are of none of the seven are left out.",) if n else ()


def _located(corpus: str, request: EvaluationRequest) -> Path:
    """Return the folder or file of ``corpus``: the given one, else its folder among the corpora."""
    path = request.folder
    if path is None:
        own, root = request.folders(corpus)
        path = own if own.exists() or request.data is None else root
    if not path.exists():
        raise InputError(f"{path} is missing: name the folder or file of {corpus} after the model")
    if corpus in FILES and path.is_dir():
        there = [path / file for file in FILES[corpus] if (path / file).exists()]
        if there:
            return there[0]
        if corpus != "fer2013":
            raise InputError(f"{path} holds none of {', '.join(FILES[corpus])}: name the file")
    return path


FILES = {
    "ferplus": ("test.npz", "valid.npz"),
    "fer2013": ("fer2013.csv",),
    "pairs": ("pairs.csv", "pairs_test.csv"),
}
"""The files of corpora whose readers take one."""


def _unlearnt(corpus: str, path: Path) -> tuple[Sequence[Any], Labels, tuple[str, ...], Sequence[Any]]:
    """Return items, labels, groups and what was skipped, without the training split where it is marked."""
    if path.stem == "train":
        raise InputError(f"{path} is the training split: name another")
    view = readers.view(corpus, path)
    if corpus != "fer2013":
        return view.items, view.labels, view.groups, view.skipped
    rows = np.flatnonzero(~np.isin(np.char.lower(fer2013.read(path).usages), ("training", "train")))
    if not len(rows):
        raise InputError(f"{path} holds only the training split of FER2013")
    return view.items[rows], view.labels[rows], tuple(view.groups[i] for i in rows), view.skipped


def _lines(outcome: Outcome, draws: int) -> Iterator[Target]:
    yield targets.at_least("accuracy", outcome, "accuracy", None, draws)
    yield targets.at_least("UAR", outcome, "uar", None, draws)
    yield targets.at_least("macro F1", outcome, "macro_f1", None, draws)
    yield replace(targets.calibrated(outcome), wanted="", met=None)
    said = outcome.after.argmax(axis=1)
    for label in np.unique(outcome.labels):
        here = outcome.labels == label
        most = [f"{EMOTIONS[i]} {share:.2f}" for i, share in _likeliest(said[here])]
        reached = f"{(said[here] == label).mean():.3f}; called {', '.join(most)}"
        title, groups = f"recall, {EMOTIONS[label]} ({here.sum()})", len(set(outcome.groups))
        yield Target(title, "", reached, None, outcome.about, len(here), groups)


def _likeliest(said: Labels) -> list[tuple[int, float]]:
    shares = np.bincount(said, minlength=len(EMOTIONS)) / len(said)
    return [(int(i), float(shares[i])) for i in np.argsort(-shares, kind="stable")[:3] if shares[i] > 0]
