"""Evidence for tests of the fusion rules: by hand, and drawn."""

import numpy as np
from hypothesis import strategies as st
from support.fusion_fitted import example

from affectstream.models.fusion.evidence import Evidence
from affectstream.models.fusion.rules import on_probabilities

SURE_HAPPY = np.eye(7)[1]
SURE_SAD = np.eye(7)[2]
FLAT = np.full(7, 1 / 7)
HALF = (SURE_HAPPY + SURE_SAD) / 2
MOSTLY_HAPPY = np.array([0.1, 0.5, 0.1, 0.1, 0.1, 0.05, 0.05])
MOSTLY_SAD = np.array([0.1, 0.1, 0.5, 0.1, 0.1, 0.05, 0.05])
AS_BEFORE = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05])
FITTED = example()
RULES = on_probabilities(FITTED)


def evidence(rows, present=None, quality=None, trust=None):
    n = len(rows)
    return Evidence(
        p=np.array([rows], dtype=float),
        present=np.array([present or [True] * n]),
        quality=np.array([quality or [1.0] * n], dtype=float),
        trust=np.array([trust or [1.0] * n], dtype=float),
    )


@st.composite
def evidences(draw):
    """One to four windows of three modalities, from nearly flat to certain, with zeros among them."""
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    windows = draw(st.integers(1, 4))
    raw = dice.random((windows, 3, 7)) ** draw(st.sampled_from([0.1, 1.0, 4.0, 30.0]))
    raw = np.where(dice.random(raw.shape) < draw(st.sampled_from([0.0, 0.5])), 0.0, raw)
    raw[..., 3] += 1e-3
    return Evidence(
        p=raw / raw.sum(axis=2, keepdims=True),
        present=dice.random((windows, 3)) < draw(st.sampled_from([0.5, 1.0])),
        quality=dice.random((windows, 3)) * draw(st.sampled_from([0.0, 1.0])),
        trust=dice.uniform(0.05, 1.0, (windows, 3)),
    )


def cooled(p, temperatures):
    powered = p ** (1 / np.array(temperatures))[..., None]
    return powered / powered.sum(axis=-1, keepdims=True)
