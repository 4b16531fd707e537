"""Training of TF-IDF pipelines, and synthetic minority examples between neighbours of one class.

Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 2002. Only vectors are interpolated:
between two pictures or two waveforms lies neither.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.class_weight import compute_sample_weight

from affectstream.lab.statistics import log
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.memory import Inputs, one_hot
from affectstream.lab.training.networks.text import pipelines
from affectstream.lab.training.recipe import Recipe
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

NEIGHBOURS = 5

Floats = npt.NDArray[np.float64]


def fitted(name: str, recipe: Recipe, corpus: Corpus, texts: tuple[str, ...], part: Part) -> Pipeline:
    """Return the pipeline ``name`` fitted on the rows of ``part`` to learn from, its vocabulary included."""
    vectoriser, head = (step for _, step in pipelines(recipe.seed)[name].steps)
    labels = corpus.labels[part.learn]
    steps = [vectoriser, sampler(labels, recipe.seed), head] if recipe.smote else [vectoriser, head]
    pipeline = make_pipeline(*steps)
    weights = {}
    if recipe.class_weights:
        weights[f"{pipeline.steps[-1][0]}__sample_weight"] = compute_sample_weight("balanced", labels)
    return pipeline.fit([texts[i] for i in part.learn], labels, **weights)


def logits(pipeline: Pipeline, texts: list[str]) -> Floats:
    """Return the logarithms of the probabilities (n, 7); a class that was never learnt has almost none."""
    p = np.full((len(texts), N_EMOTIONS), 0.0)
    p[:, np.asarray(pipeline.classes_, dtype=np.int64)] = pipeline.predict_proba(texts)
    return log(np.maximum(p, 1e-4))  # trees give zeros, which no temperature can mend


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
