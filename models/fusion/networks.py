"""The networks of ``affectstream.lab.fusion.networks`` once they are trained, in NumPy.

The same arithmetic with the same names of tensors, in float64. One window at a time: the evidence of its
modalities is projected once, and the rest is computed for all subsets of them at once, always eight rows.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from affectstream.models.fusion.evidence import Array, Flags
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

M = len(MODALITIES)
HEADS = 4
MOST, MOST_OF_ONE = 1 << 17, 1 << 13
"""Multiplications in one product of matrices, and of a matrix and a vector: few enough that OpenBLAS uses one
thread. Its threads wait for each other: on a busy machine for far longer than the product takes."""
NORM_EPS = 1e-5  # of torch's LayerNorm

Tensors = Mapping[str, Array]
Forward = Callable[[Tensors, Sequence[Array], Flags], tuple[Array, Array | None]]

SUBSETS: Flags = np.array([[bool(bits >> m & 1) for m in range(M)] for bits in range(1 << M)])  # (8, 3)


def projections(tensors: Tensors, rows: Sequence[Array]) -> list[Array]:
    """Return the projection (width,) of every modality's row (size,)."""
    names = [f"project.{m}" for m in MODALITIES]
    return [_dense(tensors, name, row) for name, row in zip(names, rows, strict=True)]


def straight(tensors: Tensors, rows: Sequence[Array], flags: Flags) -> Array:
    """Return what the log probabilities at the end of ``rows`` add to any network's logits (n, 7)."""
    log_p = np.stack([row[-N_EMOTIONS:] for row in rows])  # (3, 7)
    each = log_p * tensors["straight.weight"] + tensors["straight.bias"]
    total: Array = np.where(flags[:, :, None], each, 0.0).sum(axis=1)
    return total


def concat(tensors: Tensors, projected: Sequence[Array], flags: Flags) -> tuple[Array, Array | None]:
    """Return logits (n, 7) for ``flags`` (n, 3); this network has no shares of its own."""
    return _dense(tensors, "out", _relu(sum(_shown(projected, flags)))), None  # type: ignore[arg-type]


def cross_attention(tensors: Tensors, projected: Sequence[Array], flags: Flags) -> tuple[Array, Array | None]:
    """Return logits (n, 7), and the share (n, 3) of each token in what they are made of."""
    tokens = np.stack(_shown(projected, flags), axis=1)  # (n, 3, width)
    tokens = _norm(tensors, "first_norm", tokens + _others(tensors, tokens, flags))
    inner = _dense(tensors, "narrow", _relu(_dense(tensors, "wide", tokens)))
    tokens = _norm(tensors, "second_norm", tokens + inner)
    shares = _softmax(_dense(tensors, "share", tokens)[:, :, 0], flags)
    return _dense(tensors, "out", (shares[:, :, None] * tokens).sum(axis=1)), shares


def early_late(tensors: Tensors, projected: Sequence[Array], flags: Flags) -> tuple[Array, Array | None]:
    """Return logits (n, 7) for ``flags`` (n, 3); this network has no shares of its own."""
    shown = [_relu(x) for x in _shown(projected, flags)]
    x = _relu(_dense(tensors, "early1", np.concatenate(shown, axis=1)))
    early = _dense(tensors, "early3", _relu(_dense(tensors, "early2", x)))
    late = np.zeros_like(early)
    for column, (modality, x) in enumerate(zip(MODALITIES, shown, strict=True)):
        logits = _dense(tensors, f"late2.{modality}", _relu(_dense(tensors, f"late1.{modality}", x)))
        late += logits * flags[:, column, None]
    late /= np.maximum(flags.sum(axis=1, keepdims=True), 1)
    w = 1.0 / (1.0 + np.exp(-tensors["mixing"]))
    return (w[0] * early + w[1] * late) / w.sum(), None


FORWARD: dict[str, Forward] = {
    "concat": concat,
    "cross_attention": cross_attention,
    "early_late": early_late,
}


def _others(tensors: Tensors, tokens: Array, flags: Flags) -> Array:
    n, _, width = tokens.shape

    def heads(name: str) -> Array:
        x = _dense(tensors, name, tokens).reshape(n, M, HEADS, width // HEADS)
        return x.transpose(0, 2, 1, 3)  # (n, heads, 3, size)

    scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.sqrt(width / HEADS)
    others = flags[:, None, None, :] & ~np.eye(M, dtype=np.bool_)
    seen = _softmax(scores, np.broadcast_to(others, scores.shape)) @ heads("value")
    return _dense(tensors, "mix", seen.transpose(0, 2, 1, 3).reshape(n, M, width))


def _shown(projected: Sequence[Array], flags: Flags) -> list[Array]:
    """Return per modality (n, width): its projection in the rows where it is there, zeros in the others."""
    return [np.where(flags[:, column, None], x, 0.0) for column, x in enumerate(projected)]


def _dense(tensors: Tensors, name: str, x: Array) -> Array:
    """Return the layer's output (..., out) for ``x`` (..., in), a block of outputs at a time."""
    weight = tensors[f"{name}.weight"]  # (out, in)
    work = weight.shape[1] * x.shape[-2] / MOST if x.ndim > 1 else weight.shape[1] / MOST_OF_ONE
    at_once = max(1, int(1.0 / work))
    blocks = [x @ weight[at : at + at_once].T for at in range(0, len(weight), at_once)]
    y: Array = np.concatenate(blocks, axis=-1) + tensors[f"{name}.bias"]
    return y


def _norm(tensors: Tensors, name: str, x: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + NORM_EPS)
    y: Array = centred / scale * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]
    return y


def _relu(x: Array) -> Array:
    y: Array = np.maximum(x, 0.0)
    return y


def _softmax(scores: Array, mask: Flags) -> Array:
    """Return the softmax along the last axis over what ``mask`` lets through; zeros where that is nothing."""
    top = scores.max(axis=-1, keepdims=True, where=mask, initial=-1e300)
    raised = np.exp(np.where(mask, scores - top, -np.inf))
    shares: Array = raised / np.maximum(raised.sum(axis=-1, keepdims=True), 1e-300)
    return shares
