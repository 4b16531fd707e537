"""Any corpus by its name as labels, groups and what was skipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets import (
    affectnet,
    by_name,
    cremad,
    duplicates,
    fer2013,
    ferplus,
    goemotions,
    meld,
    paired,
    ravdess,
    ravdess_video,
)
from affectstream.lab.datasets.catalogue import entry
from affectstream.lab.datasets.files import Skipped
from affectstream.schemas.errors import InputError


@dataclass(frozen=True)
class View:
    """A corpus as splits, leak checks and tables see it; ``items`` are the reader's own records."""

    items: Any  # a sequence or an array of n
    labels: npt.NDArray[np.int64]  # (n,), index into affectstream.schemas.labels.EMOTIONS
    groups: tuple[str, ...]  # (n,): rows that share one stay on one side of a split
    skipped: Skipped


def view(name: str, path: Path, label: str = "") -> View:
    """Read the corpus that the catalogue calls ``name`` from ``path``; ``label`` chooses among label sets.

    ``path`` is a folder, or the file for ferplus (npz), meld, goemotions, pairs and fer2013's CSV. Raises
    InputError for an unknown name or label set and, naming the expected layout, for another layout.
    """
    check_label(name, label)
    if name == "goemotions":
        return _goemotions(path, label or "ekman")
    if name == "crema-d":
        return _clips(cremad.read(path, label or "intended"))
    return _VIEWS[name](path)


def check_label(name: str, label: str) -> None:
    """Raise InputError for an unknown corpus, and for a choice of labels where there is none."""
    entry(name)
    if label and name not in ("crema-d", "goemotions"):
        raise InputError(f"{name} has one set of labels: leave the choice out")


def _clips(corpus: Any) -> View:
    return _view(corpus.clips, [clip.speaker for clip in corpus.clips], corpus.skipped)


def _ravdess(folder: Path) -> View:
    corpus = ravdess.read(folder)
    return _view(corpus.clips, [str(clip.actor) for clip in corpus.clips], corpus.skipped)


def _ravdess_video(folder: Path) -> View:
    takes = ravdess_video.read(folder)
    return _view(takes.takes, [str(take.actor) for take in takes.takes], takes.skipped)


def _fer2013(path: Path) -> View:
    faces = fer2013.read(path)
    groups = tuple(str(g) for g in duplicates.groups(faces.images))
    return View(faces.images, faces.labels, groups, faces.skipped)


def _ferplus(path: Path) -> View:
    return voted(ferplus.load_npz(path), path)


def voted(faces: ferplus.Faces, path: Path) -> View:
    """Return those of ``faces``, read from ``path``, that have a majority; raises InputError for none."""
    labels = ferplus.majority(faces.votes)
    kept = faces.take(labels >= 0)
    if not len(kept.images):
        raise InputError(f"no face in {path} has a majority among the seven; expected {ferplus.LAYOUT}")
    groups = tuple(str(g) for g in duplicates.groups(kept.images))
    without = sum(labels < 0)
    skipped = ((path, f"{without} faces without a majority among the seven"),) if without else ()
    return View(kept.images, labels[labels >= 0], groups, skipped)


def _affectnet(folder: Path) -> View:
    found = affectnet.read(folder)
    return _view(found.pictures, [picture.sha256 for picture in found.pictures], found.skipped)


def _meld(path: Path) -> View:
    reading = meld.read(path)
    return _view(reading.utterances, [row.group for row in reading.utterances], reading.skipped)


def _goemotions(path: Path, grouping: str) -> View:
    reading = goemotions.read(path, grouping)
    ties = ((path, f"{reading.ties} comments whose labels tie"),) if reading.ties else ()
    groups = [comment.comment_id for comment in reading.comments]
    return _view(reading.comments, groups, (*ties, *reading.skipped))


def _pairs(path: Path) -> View:
    found = paired.read(path)
    return _view(found.pairs, [str(pair.group) for pair in found.pairs], found.skipped)


def _view(items: Sequence[Any], groups: Sequence[str], skipped: Skipped) -> View:
    labels = np.array([item.label for item in items], dtype=np.int64)
    return View(items, labels, tuple(groups), skipped)


_VIEWS: dict[str, Callable[[Path], View]] = {
    "ravdess": _ravdess,
    "ravdess-video": _ravdess_video,
    "savee": lambda folder: _clips(by_name.SAVEE.read(folder)),
    "tess": lambda folder: _clips(by_name.TESS.read(folder)),
    "emodb": lambda folder: _clips(by_name.EMODB.read(folder)),
    "nemo": lambda folder: _clips(by_name.NEMO.read(folder)),
    "turev": lambda folder: _clips(by_name.TUREV.read(folder)),
    "emospeech": lambda folder: _clips(by_name.EMOSPEECH.read(folder)),
    "fer2013": _fer2013,
    "ferplus": _ferplus,
    "affectnet": _affectnet,
    "meld": _meld,
    "pairs": _pairs,
}
