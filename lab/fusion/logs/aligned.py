"""Logs of windows whose modalities belong to one person, and their division by groups.

An ``.npz`` of one window per labelled clip:

    format       "affectstream.aligned/1"
    source       corpora, parts, models
    p            (n, 3, 7) in the order of schemas.messages and schemas.labels; any distribution where absent
    present      (n, 3)
    quality      (n, 3) in [0, 1]
    labels       (n,)
    groups       (n,) actor or dialogue
    video, audio, text   embeddings (n, d), or (0, 0)
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectstream.lab.fusion.logs import file as log_file
from affectstream.lab.fusion.logs.file import Kind
from affectstream.lab.fusion.windows import Calls, Indices, Log, taken
from affectstream.models.fusion.evidence import Array, Evidence
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

REMAKE = "make it with affectstream fusion log meld or ravdess-video"
NAMES = ("source", "p", "present", "quality", "labels", "groups", *MODALITIES)
KIND = Kind("aligned log", "affectstream.aligned/1", NAMES, REMAKE)


def write(log: Log, path: Path) -> None:
    """Write ``log``; raises InputError where the file cannot be written."""
    e = log.evidence
    embeddings = e.embeddings or (None,) * len(MODALITIES)
    kept = {m: np.zeros((0, 0)) if x is None else x for m, x in zip(MODALITIES, embeddings, strict=True)}
    arrays = {
        "p": e.p,
        "present": e.present,
        "quality": e.quality,
        "labels": log.labels,
        "groups": log.groups,
    }
    small = {m: x.astype(np.float16) for m, x in kept.items()}
    log_file.write(KIND, {"source": np.array(log.source)} | arrays | small, path)


def read(path: Path) -> Log:
    """Return the log in ``path`` with trust 1; raises InputError, saying what is wrong, for anything else."""
    arrays = log_file.read(KIND, path)
    log = _log(arrays)
    n, said = len(log.labels), log.evidence.p[log.evidence.present]
    e, flat = log.evidence, (n, len(MODALITIES))
    shapes = (e.p.shape, e.present.shape, e.quality.shape, log.groups.shape)
    if shapes != ((*flat, N_EMOTIONS), flat, flat, (n,)) or not n:
        raise InputError(f"{path} holds arrays that do not fit together, or nothing; {REMAKE}")
    if (np.abs(said.sum(axis=1) - 1) > 1e-3).any() or (said < 0).any():
        raise InputError(f"{path}: p holds rows that are no distribution; {REMAKE}")
    return log


def halves(log: Log, seed: int = 0) -> tuple[Calls, Calls]:
    """Return calls to fit on and to judge by; a group is one call, and in one of them only."""
    names, number = np.unique(log.groups, return_inverse=True)
    if len(names) < 2:
        raise InputError("an aligned log needs two groups at least: one to fit on, one to judge by")
    first = np.random.default_rng(seed).permutation(len(names)) < (len(names) + 1) // 2
    fit, test = (calls_of(log.rows(np.flatnonzero(first[number] == side)), seed) for side in (True, False))
    return fit, test


def calls_of(log: Log, seed: int = 0) -> Calls:
    """Return the windows as calls, one of each group; another person's items are those of another label."""
    order = np.argsort(np.unique(log.groups, return_inverse=True)[1], kind="stable")
    log = log.rows(order)
    call = np.unique(log.groups, return_inverse=True)[1].astype(np.int64)
    return Calls(log, call, other=taken(log.evidence, _another(log.labels, np.random.default_rng(seed))))


def _another(labels: Indices, rng: np.random.Generator) -> Indices:
    """Return for each window one with another label; itself where there is none."""
    rows = [np.flatnonzero(labels != label) for label in labels]
    return np.array([r[rng.integers(len(r))] if len(r) else i for i, r in enumerate(rows)], dtype=np.int64)


def _log(arrays: dict[str, NDArray[np.generic]]) -> Log:
    embeddings: tuple[Array | None, ...] = tuple(
        arrays[m].astype(np.float64) if arrays[m].size else None for m in MODALITIES
    )
    present = arrays["present"].astype(np.bool_)
    p, quality = arrays["p"].astype(np.float64), arrays["quality"].astype(np.float64)
    evidence = Evidence(p, present, quality, np.ones(present.shape), embeddings)
    labels, groups = arrays["labels"].astype(np.int64), arrays["groups"].astype(np.str_)
    return Log(evidence, labels, groups, str(arrays["source"]))
