"""Logs of one model's probabilities on labelled items, clean and degraded.

An ``.npz`` of the arrays below. Every condition holds the same items in the same order, the first is "clean";
so a fusion experiment can replace what was said about an item by what is said when its input is bad.

    format       "affectstream.probabilities/1"
    modality     video, audio or text
    corpus       corpus and part
    statement    which model, on what it was not trained on, how embeddings were brought together
    conditions   (c,) names
    p            (c, n, 7) calibrated probabilities, in the order of affectstream.schemas.labels.EMOTIONS
    present      (c, n) whether the worker would have published them: it abstains from silence
    quality      (c, n) in [0, 1], by the product's own functions
    labels       (n,) true emotions
    groups       (n,) actor, dialogue, comment, or near-duplicate group of a face
    items        (n,) names, unique
    embeddings   (c, n, d) of the layer before the probabilities, or (c, 0, 0)
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

from affectstream.lab.fusion.logs import file as log_file
from affectstream.lab.fusion.logs.file import Kind
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import Modality

CLEAN = "clean"
NAMES = ("modality", "corpus", "statement", "conditions", "p", "present", "quality", "labels", "groups")
REMAKE = "make it again: affectstream fusion log"
KIND = Kind("probability log", "affectstream.probabilities/1", (*NAMES, "items", "embeddings"), REMAKE)
FILES: dict[Modality, tuple[str, ...]] = {
    "video": ("ferplus-valid",),
    "audio": ("ravdess",),
    "text": ("meld-held-out", "meld-dev", "goemotions-dev"),
}

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class ProbabilityLog:
    """What one model said about the items of one part of a corpus, under every condition."""

    modality: Modality
    corpus: str
    statement: str
    conditions: tuple[str, ...]  # (c,), the first is CLEAN
    p: Floats  # (c, n, 7)
    present: Flags  # (c, n)
    quality: Floats  # (c, n)
    labels: Indices  # (n,)
    groups: Names  # (n,)
    items: Names  # (n,)
    embeddings: npt.NDArray[np.float32] | None = None  # (c, n, d)

    def take(self, rows: Indices | Flags) -> "ProbabilityLog":
        """Return the log of the items ``rows``."""
        return replace(
            self,
            p=self.p[:, rows],
            present=self.present[:, rows],
            quality=self.quality[:, rows],
            labels=self.labels[rows],
            groups=self.groups[rows],
            items=self.items[rows],
            embeddings=None if self.embeddings is None else self.embeddings[:, rows],
        )


def write(log: ProbabilityLog, path: Path) -> None:
    """Write ``log``; raises InputError where it is none or the file cannot be written."""
    check(log, str(path))
    nothing = np.zeros((len(log.conditions), 0, 0), np.float16)
    arrays = {name: np.array(getattr(log, name)) for name in NAMES}
    arrays["items"] = log.items
    arrays["embeddings"] = nothing if log.embeddings is None else log.embeddings.astype(np.float16)
    log_file.write(KIND, arrays, path)


def read(path: Path) -> ProbabilityLog:
    """Return the log in ``path``; raises InputError, saying what is wrong, for anything else."""
    arrays = log_file.read(KIND, path)
    try:
        log = _log(arrays)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} holds arrays of the wrong kind; {REMAKE}") from error
    check(log, str(path))
    return log


def read_all(folder: Path) -> dict[str, ProbabilityLog]:
    """Return every log in ``folder`` by the name of its file; raises InputError where one is missing."""
    wanted = [path_of(folder, modality, i) for modality, names in FILES.items() for i in range(len(names))]
    missing = [path.name for path in wanted if not path.exists()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}; to make them: affectstream fusion log")
    return {path.stem: read(path) for path in wanted}


def path_of(folder: Path, modality: Modality, i: int) -> Path:
    """Return where the log number ``i`` of a modality lies."""
    return folder / f"{modality}-{FILES[modality][i]}.npz"


def check(log: ProbabilityLog, where: str) -> None:
    """Raise InputError, naming ``where`` and the array, unless ``log`` is as the head of this module says."""
    c, n = len(log.conditions), len(log.labels)
    shapes = {"p": (c, n, N_EMOTIONS), "present": (c, n), "quality": (c, n), "groups": (n,), "items": (n,)}
    wrong = [name for name, shape in shapes.items() if getattr(log, name).shape != shape]
    if log.embeddings is not None and log.embeddings.shape[:2] != (c, n):
        wrong.append("embeddings")
    faults = {
        f"its arrays {', '.join(wrong)} do not have the shapes of {c} conditions and {n} items": bool(wrong),
        f"the modality {log.modality!r} is unknown": log.modality not in get_args(Modality),
        "it holds no items": n == 0,
        f"its first condition is not {CLEAN!r}": log.conditions[:1] != (CLEAN,),
    }
    faults = faults if any(faults.values()) else _value_faults(log)
    for fault, found in faults.items():
        if found:
            raise InputError(f"{where}: {fault}; {REMAKE}")


def joined(logs: list[ProbabilityLog]) -> ProbabilityLog:
    """Return the items of all ``logs`` of one modality as one, under the conditions that all of them have."""
    first = logs[0]
    shared = tuple(c for c in first.conditions if all(c in log.conditions for log in logs))
    embedded = [log.embeddings for log in logs if log.embeddings is not None]
    same = [[log.conditions.index(c) for c in shared] for log in logs]

    def together(name: str) -> npt.NDArray[np.generic]:
        return np.concatenate([getattr(x, name)[rows] for x, rows in zip(logs, same, strict=True)], axis=1)

    return ProbabilityLog(
        first.modality,
        "; ".join(log.corpus for log in logs),
        " ".join(log.statement for log in logs),
        shared,
        together("p").astype(np.float64),
        together("present").astype(np.bool_),
        together("quality").astype(np.float64),
        np.concatenate([log.labels for log in logs]),
        np.concatenate([log.groups for log in logs]),
        np.concatenate([log.items for log in logs]),
        together("embeddings").astype(np.float32) if len(embedded) == len(logs) else None,
    )


def _value_faults(log: ProbabilityLog) -> dict[str, bool]:
    said = log.p[log.present]
    whole = bool(np.isfinite(said).all()) and bool((np.abs(said.sum(axis=1) - 1) < 1e-3).all())
    inside = bool(((log.quality >= 0) & (log.quality <= 1)).all())
    emotions = bool(((log.labels >= 0) & (log.labels < N_EMOTIONS)).all())
    return {
        "p holds rows that are no distribution": not whole or bool((said < 0).any()),
        "quality lies outside 0 to 1": not inside,
        f"labels are not 0 to {N_EMOTIONS - 1}": not emotions,
        "items are not unique": len(np.unique(log.items)) != len(log.items),
    }


def _log(arrays: dict[str, npt.NDArray[np.generic]]) -> ProbabilityLog:
    modality: Modality = str(arrays["modality"])  # type: ignore[assignment]
    embeddings = arrays["embeddings"].astype(np.float32)
    return ProbabilityLog(
        modality,
        str(arrays["corpus"]),
        str(arrays["statement"]),
        tuple(map(str, arrays["conditions"])),
        arrays["p"].astype(np.float64),
        arrays["present"].astype(np.bool_),
        arrays["quality"].astype(np.float64),
        arrays["labels"].astype(np.int64),
        arrays["groups"].astype(np.str_),
        arrays["items"].astype(np.str_),
        embeddings if embeddings.size else None,
    )
