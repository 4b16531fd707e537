"""Windows with embeddings, made up: their classes can be told from each modality, not perfectly."""

import numpy as np

from affectstream.lab.fusion.windows import Log
from affectstream.models.fusion.evidence import Evidence

SIZES = (6, 10, 8)  # of the embeddings of video, audio and text


def evidence(rng, labels, noise=3.0, missing=0.25, sizes=SIZES):
    """Return what three noisy modalities say about windows of ``labels``; some are not there."""
    n = len(labels)
    present = rng.random((n, 3)) >= missing
    present[~present.any(axis=1), 0] = True
    embeddings = []
    for m, size in enumerate(sizes):
        centres = np.random.default_rng(m).normal(0, 2, (7, size))
        x = centres[labels] + rng.normal(0, noise, (n, size))
        embeddings.append(np.where(present[:, m, None], x, 0.0))
    raw = rng.random((n, 3, 7)) ** 2 + 0.05 + noise**-1 * np.eye(7)[labels][:, None]
    ones = np.ones((n, 3))
    return Evidence(raw / raw.sum(axis=2, keepdims=True), present, ones * 0.8, ones, tuple(embeddings))


def log(n=400, seed=0, **how):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) * 3 % 7
    groups = np.array([f"g{i // 2}" for i in range(n)])
    return Log(evidence(rng, labels, **how), labels.astype(np.int64), groups, "made up")
