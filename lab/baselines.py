"""Items, inputs and baseline of every corpus, for the leak check.

Speech: copies are equal files, the baseline is logistic regression on statistics of MFCCs. Faces: near
duplicates by perceptual hash, histograms of gradients. Texts: equal sentences, TF-IDF and a linear SVM.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import librosa
import numpy as np
import numpy.typing as npt
from librosa.effects import trim
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from affectstream.lab.datasets import duplicates, fer2013, ferplus, ravdess, ravdess_video, readers
from affectstream.lab.datasets.catalogue import entry
from affectstream.lab.leakcheck import Baseline, Inputs, Item, Report, check
from affectstream.schemas.errors import InputError

Floats = npt.NDArray[np.float64]
MFCCS = 20
SIDE = 48
COMPONENTS = 100
FEWEST_WORDS = 5  # people say shorter sentences again without copying
PARTS = {
    "ferplus": ("train.npz", "valid.npz", "test.npz"),
    "meld": ("train_sent_emo.csv", "dev_sent_emo.csv", "test_sent_emo.csv"),
    "goemotions": ("train.tsv", "dev.tsv", "test.tsv"),
}
"""The files of an official split, that of training first."""


@dataclass(frozen=True)
class Material:
    """What a check is made of."""

    items: list[Item]
    inputs: Inputs
    baseline: Baseline
    skipped: list[tuple[str, str]]


def report(name: str, path: Path, label: str = "") -> Report:
    """Return the leak check of the corpus called ``name`` at ``path``.

    ``path`` and ``label`` are what ``lab.datasets.readers.view`` takes; ``path`` may also be the folder of
    an official split's files. Raises InputError.
    """
    found = material(name, path, label)
    return check(found.items, found.inputs, found.baseline, skipped=found.skipped)


def material(name: str, path: Path, label: str = "") -> Material:
    """Return items, inputs and baseline of a corpus; raises InputError."""
    modality = "text" if name == "pairs" else entry(name).modalities[-1]
    views = _views(name, path, label)
    records = [record for _, view in views for record in view.items]
    names = [_name(record, part, i) for part, view in views for i, record in enumerate(view.items)]
    inputs, copies, baseline = _MODALITIES[modality](records)
    groups = [group for _, view in views for group in view.groups]
    items = [
        Item(
            names[i],
            int(label),
            group=copies[i] if modality == "video" else groups[i],
            copy=copies[i],
            part=part,
        )
        for i, (label, part) in enumerate(
            zip(np.concatenate([v.labels for _, v in views]), _parts(name, path, views), strict=True)
        )
    ]
    skipped = [(_short(file), reason) for _, view in views for file, reason in view.skipped]
    return Material(items, inputs, baseline, skipped)


def _views(name: str, path: Path, label: str) -> list[tuple[str, readers.View]]:
    """Return the parts of a corpus by their name; one without a name where there is no official split."""
    readers.check_label(name, label)
    pixels, votes = path / "fer2013.csv", path / "fer2013new.csv"
    if name == "ferplus" and pixels.exists() and votes.exists():
        return [(u, readers.voted(ferplus.load_csv(pixels, votes, u), votes)) for u in fer2013.USAGES]
    files = _files(name, path)
    return [(file.stem if file != path else "", readers.view(name, file, label)) for file in files]


def _parts(name: str, path: Path, views: Sequence[tuple[str, readers.View]]) -> list[str]:
    """Return the part of the official split that each item is of; empty where there is none."""
    if name == "fer2013":
        return [str(usage) for usage in fer2013.read(path).usages]
    return [part or getattr(record, "split", "") for part, view in views for record in view.items]


def _files(name: str, path: Path) -> Sequence[Path]:
    if name not in PARTS or not path.is_dir():
        return (path,)
    there = [path / file for file in PARTS[name] if (path / file).exists()]
    if not there:
        also = " nor fer2013.csv beside fer2013new.csv" if name == "ferplus" else ""
        raise InputError(f"{path} holds none of {', '.join(PARTS[name])}{also}")
    return there


def _name(record: Any, part: str, row: int) -> str:
    """Return how the report calls an item: never by its words."""
    path = getattr(record, "path", None)
    return _short(path) if path is not None else f"{part} {row + 1}".strip()


def _short(path: Path) -> str:
    """Return a file with the folder it lies in: many corpora call files alike in several folders."""
    return "/".join(path.parts[-2:])


def _speech(records: Sequence[Any]) -> tuple[Inputs, list[str], Baseline]:
    rows = np.stack([mfcc_statistics(*_heard(record)) for record in records])
    return rows, [record.sha256 for record in records], _logistic


def _heard(record: Any) -> tuple[npt.NDArray[np.float32], int]:
    if isinstance(record, ravdess_video.Take):
        sound = record.hear()
        return sound.samples, sound.rate_hz
    return ravdess.load(record.path)


def mfcc_statistics(samples: npt.NDArray[np.float32], rate_hz: int) -> Floats:
    """Return the means and deviations (40,) of twenty MFCCs over the spoken part."""
    spoken, _ = trim(samples, top_db=35)
    mfcc = librosa.feature.mfcc(y=spoken, sr=rate_hz, n_mfcc=MFCCS)  # (20, frames)
    return np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)]).astype(np.float64)


def _faces(records: Sequence[Any]) -> tuple[Inputs, list[str], Baseline]:
    images = np.stack(
        [record if isinstance(record, np.ndarray) else _gray(record.path) for record in records]
    )
    copies = [str(number) for number in duplicates.groups(images)]
    return gradients(images), copies, lambda: make_pipeline(PCA(COMPONENTS, random_state=0), _logistic())


def _gray(path: Path) -> npt.NDArray[np.uint8]:
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def gradients(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return histograms of oriented gradients (n, 900) of faces (n, 48, 48): cells of 8, blocks of 16."""
    described = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9)
    return np.stack([np.asarray(described.compute(image), dtype=np.float32).ravel() for image in images])


def _texts(records: Sequence[Any]) -> tuple[Inputs, list[str], Baseline]:
    texts = [str(record.text) for record in records]
    return np.array(texts, dtype=object), [_sentence(text, i) for i, text in enumerate(texts)], _tfidf


def _sentence(text: str, place: int) -> str:
    """Return what equal sentences share; a short one is a copy of nothing."""
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    if len(words) < FEWEST_WORDS:
        return str(place)
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def _logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


def _tfidf() -> Any:
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LinearSVC(C=0.3))


_MODALITIES: dict[str, Callable[[Sequence[Any]], tuple[Inputs, list[str], Baseline]]] = {
    "audio": _speech,
    "video": _faces,
    "text": _texts,
}
