"""Labelled windows to fit and to judge rules on: what was said, and the truth; imports NumPy and evidence.

A log is a file of arrays (``.npz``) with a statement of the data that it was made from.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.fusion.evidence import Evidence

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Log:
    """Windows with their true emotions, in any order."""

    evidence: Evidence
    labels: Indices  # (windows,), order of schemas.labels.EMOTIONS
    groups: NDArray[np.str_]  # (windows,); windows of one group are never on both sides of a split
    source: str  # one sentence: corpora, parts, how modalities were brought together

    def rows(self, chosen: Indices) -> "Log":
        """Return the log of the windows ``chosen``, in that order."""
        e = self.evidence
        embeddings = tuple(None if x is None else x[chosen] for x in e.embeddings)
        part = Evidence(e.p[chosen], e.present[chosen], e.quality[chosen], e.trust[chosen], embeddings)
        return replace(self, evidence=part, labels=self.labels[chosen], groups=self.groups[chosen])
