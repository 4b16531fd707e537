"""Rows of a fixed number, so that the same input gives the same bits in any batch."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from affectstream.models.protocol import Array, Embeddings, Probabilities


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


def split(answers: npt.NDArray[np.float64]) -> tuple[Probabilities, Embeddings]:
    """Return the probabilities (n, 7) and embeddings (n, size) of ``joined`` answers (n, 7 + size)."""
    return answers[:, :7].copy(), answers[:, 7:].astype(np.float32)


def joined(logits: torch.Tensor, temperature: float, features: torch.Tensor) -> torch.Tensor:
    """Return calibrated probabilities beside ``features`` (rows, size) as float64 (rows, 7 + size)."""
    probabilities = torch.softmax(logits.to(torch.float64) / temperature, dim=1)
    return torch.cat([probabilities, features.to(torch.float64)], dim=1)
