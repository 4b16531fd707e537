"""Temperatures, logarithms with a floor, and how far a window is more than one voice."""

import numpy as np

from affectstream.models.fusion.evidence import Array

FLOOR = 1e-4  # before every logarithm: nobody's zero is a veto


def sharpened(p: Array, exponent: Array) -> Array:
    """Return p to the power of ``exponent``, which spreads over the last axis, made to sum to one."""
    powered = (p / p.max(axis=-1, keepdims=True)) ** exponent
    normal: Array = powered / powered.sum(axis=-1, keepdims=True)
    return normal


def tempered(p: Array, temperatures: Array, together: Array) -> Array:
    """Return p^(1/T) of (windows, modalities, 7), each modality with its own T (modalities,).

    T holds to the degree ``together`` (windows, 1) of company: a model alone is as calibrated as it came.
    """
    exponents = temperatures[None, :] ** -together  # (windows, modalities)
    return sharpened(p, exponents[:, :, None])


def logs(p: Array) -> Array:
    """Return the logarithm, of the floor at least."""
    floored: Array = np.log(np.maximum(p, FLOOR))
    return floored


def softmax(scores: Array) -> Array:
    """Return the distributions that have these logarithms, up to a constant, along the last axis."""
    powered = np.exp(scores - scores.max(axis=-1, keepdims=True))
    normal: Array = powered / powered.sum(axis=-1, keepdims=True)
    return normal


def softplus(x: Array) -> Array:
    """Return log(1 + e^x), never negative."""
    positive: Array = np.logaddexp(0.0, x)
    return positive


def company(shares: Array) -> Array:
    """Return how far shares (windows, modalities) are of more than one: 0 for one alone, 1 if none has most.

    What is fitted for voices together (temperatures, weights, biases) holds to this degree, so that a
    modality that fades hands over to the others without a jump, and one alone is itself.
    """
    degree: Array = np.minimum(2.0 * (1.0 - shares.max(axis=1)), 1.0)
    return np.maximum(degree, 0.0)
