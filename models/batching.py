"""Rows of a fixed number, so that the same input gives the same bits in any batch; imports torch."""

from collections.abc import Callable

import numpy as np
import torch

from models.protocol import Array, Probabilities


def in_fixed_rows(
    rows: Array, fixed: int, forward: Callable[[torch.Tensor], torch.Tensor], device: str
) -> Probabilities:
    """Run ``forward`` over ``rows`` (n, ...) in slices padded with zeros to ``fixed`` rows.

    A row alone and the same row in a batch differ by about 1e-8 in float32, because kernels are chosen by
    shape; at one fixed shape they are equal to the last bit wherever the row lies.
    """
    out = []
    for start in range(0, len(rows), fixed):
        part = rows[start : start + fixed]
        padded = np.zeros((fixed, *rows.shape[1:]), dtype=rows.dtype)
        padded[: len(part)] = part
        with torch.inference_mode():
            result = forward(torch.from_numpy(padded).to(device))
        out.append(result[: len(part)].to("cpu", torch.float64).numpy())
    return np.concatenate(out) if out else np.zeros((0, 7))
