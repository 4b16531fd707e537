"""What a random split leaks and what that is worth; imports scikit-learn, librosa and models.datasets."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import numpy.typing as npt
from librosa.effects import trim
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models import metrics
from models.datasets import ravdess
from models.splits import Fold, grouped_folds, merged_groups, random_folds, shared

Floats = npt.NDArray[np.float64]
MFCCS = 20


@dataclass(frozen=True)
class Item:
    """One example, as far as leaks go."""

    name: str
    label: int
    group: Hashable  # speaker, dialogue, clip
    sha256: str  # of the file


@dataclass(frozen=True)
class Leaks:
    """What a split shares between training and test, summed over its folds, and the baseline's UAR on it."""

    shared_groups: int
    shared_files: int
    uar: float


@dataclass(frozen=True)
class Report:
    """A random split beside one by group."""

    items: int
    groups: int
    duplicates: tuple[tuple[str, ...], ...]  # names of files that are equal to the last byte
    random: Leaks
    grouped: Leaks

    @property
    def gap(self) -> float:
        """Return by how much the random split flatters the baseline."""
        return self.random.uar - self.grouped.uar

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        yield f"{self.items} items, {self.groups} groups, {len(self.duplicates)} sets of equal files"
        for names in self.duplicates:
            yield "equal files: " + ", ".join(names)
        for title, leaks in (("random split", self.random), ("split by group", self.grouped)):
            yield (
                f"{title}: {leaks.shared_groups} groups and {leaks.shared_files} files on both sides, "
                f"baseline UAR {leaks.uar:.3f}"
            )
        yield f"the random split flatters the baseline by {100 * self.gap:.1f} points"


def check(items: Sequence[Item], vectors: Floats, folds: int = 5, seed: int = 0) -> Report:
    """Return what splits of ``items`` share, and the UAR of logistic regression on ``vectors`` (n, d)."""
    by_hash: dict[str, list[str]] = {}
    for item in items:
        by_hash.setdefault(item.sha256, []).append(item.name)
    labels = [item.label for item in items]
    groups = merged_groups([i.group for i in items], [i.sha256 for i in items]).tolist()
    return Report(
        items=len(items),
        groups=len({i.group for i in items}),
        duplicates=tuple(tuple(names) for names in by_hash.values() if len(names) > 1),
        random=_leaks(items, vectors, random_folds(labels, folds, seed)),
        grouped=_leaks(items, vectors, grouped_folds(labels, groups, folds, seed)),
    )


def ravdess_report(folder: Path, on_clip: Callable[[], None] = lambda: None) -> Report:
    """Return the report on the recordings in ``folder``; ``on_clip`` is called after each."""
    clips = ravdess.read(folder).clips
    rows = []
    for clip in clips:
        rows.append(mfcc_statistics(*ravdess.load(clip.path)))
        on_clip()
    items = [Item(clip.path.name, clip.label, clip.actor, clip.sha256) for clip in clips]
    return check(items, np.stack(rows))


def mfcc_statistics(samples: npt.NDArray[np.float32], rate_hz: int) -> Floats:
    """Return the means and deviations (40,) of twenty MFCCs over the spoken part."""
    spoken, _ = trim(samples, top_db=35)
    mfcc = librosa.feature.mfcc(y=spoken, sr=rate_hz, n_mfcc=MFCCS)  # (20, frames)
    return np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)]).astype(np.float64)


def _leaks(items: Sequence[Item], vectors: Floats, split: Sequence[Fold]) -> Leaks:
    labels = np.array([item.label for item in items])
    predicted = np.zeros_like(labels)
    for fold in split:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        predicted[fold.test] = model.fit(vectors[fold.train], labels[fold.train]).predict(vectors[fold.test])
    groups, files = [i.group for i in items], [i.sha256 for i in items]
    return Leaks(
        shared_groups=sum(len(shared(groups, f.train, f.test)) for f in split),
        shared_files=sum(len(shared(files, f.train, f.test)) for f in split),
        uar=metrics.uar(labels, predicted),
    )
