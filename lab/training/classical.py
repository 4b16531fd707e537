"""Training of TF-IDF pipelines, with class weights or SMOTE."""

import numpy as np
import numpy.typing as npt
from imblearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.class_weight import compute_sample_weight

from affectstream.lab.statistics import log
from affectstream.lab.training.corpus import Corpus, Part
from affectstream.lab.training.networks.text import pipelines
from affectstream.lab.training.recipe import Recipe
from affectstream.lab.training.smote import sampler
from affectstream.schemas.labels import N_EMOTIONS

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
