"""Synthetic minority examples between neighbours of one class.

Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 2002. Only vectors are interpolated:
between two pictures or two waveforms lies neither.
"""

from dataclasses import replace

import numpy as np
import torch
from imblearn.over_sampling import SMOTE

from affectstream.lab.training.corpus import Indices, Part
from affectstream.lab.training.memory import Inputs, one_hot
from affectstream.schemas.errors import InputError

NEIGHBOURS = 5


def sampler(labels: Indices, seed: int) -> SMOTE:
    """Return a SMOTE whose neighbours exist in every class; raises InputError for a class with one row."""
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if fewest < 2:
        raise InputError("SMOTE needs two rows of every class to learn from: a class has only one")
    return SMOTE(k_neighbors=min(NEIGHBOURS, fewest - 1), random_state=seed)


def enlarged(inputs: Inputs, part: Part, labels: Indices, seed: int) -> tuple[Inputs, Part]:
    """Return ``inputs`` and ``part`` with synthetic rows, made from the rows to learn from only.

    Every class then has as many as the largest. Raises InputError for what is not a vector.
    """
    if inputs.stored.ndim != 2:
        shape = tuple(inputs.stored.shape[1:])
        raise InputError(f"SMOTE works on feature vectors (clip, resnet50-features, tfidf), not on {shape}")
    learn = part.learn[labels[part.learn] >= 0]  # a tie of votes has no class to enlarge
    more, classes = sampler(labels[learn], seed).fit_resample(inputs.stored[learn].numpy(), labels[learn])
    new = torch.from_numpy(np.asarray(more[len(learn) :], dtype=np.float32))
    targets = one_hot(np.asarray(classes[len(learn) :], dtype=np.int64))
    rows = np.arange(len(inputs.stored), len(inputs.stored) + len(new))
    stored, targets = torch.cat([inputs.stored, new]), torch.cat([inputs.targets, targets])
    both = replace(inputs, stored=stored, targets=targets)
    return both, replace(part, learn=np.concatenate([part.learn, rows]))
