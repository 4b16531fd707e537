"""Labelled windows to fit and to judge rules on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from affectstream.models.fusion.evidence import Array, Evidence

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Log:
    """Windows with their true emotions, in any order."""

    evidence: Evidence
    labels: Indices  # (windows,), order of affectstream.schemas.labels.EMOTIONS
    groups: NDArray[np.str_]  # (windows,); windows of one group are never on both sides of a split
    source: str  # one sentence: corpora, parts, how modalities were brought together

    def rows(self, chosen: Indices) -> "Log":
        """Return the log of the windows ``chosen``, in that order."""
        evidence = taken(self.evidence, chosen)
        return replace(self, evidence=evidence, labels=self.labels[chosen], groups=self.groups[chosen])


@dataclass(frozen=True)
class Calls:
    """Windows in the order of calls, with what would be said of each if something went wrong.

    ``worse`` and ``other`` have the windows of ``log``, each on its own place and for every modality.
    """

    log: Log
    call: Indices  # (windows,) windows of one call have one number and follow each other in time
    worse: Evidence | None = None  # the same item after its input was degraded
    other: Evidence | None = None  # an item with another label: what another person showed

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.call)


def taken(evidence: Evidence, chosen: Indices) -> Evidence:
    """Return the windows ``chosen`` of ``evidence``, in that order."""
    e = evidence
    embeddings = tuple(None if x is None else x[chosen] for x in e.embeddings)
    return Evidence(e.p[chosen], e.present[chosen], e.quality[chosen], e.trust[chosen], embeddings)


def chained(parts: Sequence[Log]) -> Log:
    """Return the windows of all ``parts`` one after another; the source is that of the first."""
    e = [part.evidence for part in parts]
    blend = Evidence(
        np.concatenate([x.p for x in e]),
        np.concatenate([x.present for x in e]),
        np.concatenate([x.quality for x in e]),
        np.concatenate([x.trust for x in e]),
        tuple(_all_or_none(each) for each in zip(*(x.embeddings for x in e), strict=True)),
    )
    labels, groups = (np.concatenate([getattr(p, name) for p in parts]) for name in ("labels", "groups"))
    return Log(blend, labels, groups, parts[0].source)


def _all_or_none(arrays: Sequence[Array | None]) -> Array | None:
    there = [x for x in arrays if x is not None]
    return np.concatenate(there) if len(there) == len(arrays) else None
