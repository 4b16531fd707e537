"""Fixed-shape batching (batch invariance), and the number type of a device's products."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from affectstream.models.protocol import Array

Forward = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]


def in_fixed_rows(rows: Array, fixed: int, forward: Forward, device: str) -> tuple[Array, ...]:
    """Run ``forward`` over ``rows`` (n >= 1, ...) in slices padded with zeros to ``fixed`` rows.

    Returns one array (n, ...) per output of ``forward``, in the type of that output. A row alone and the same
    row in a batch differ by about 1e-8 in float32, because kernels are chosen by shape; at one fixed shape
    they are equal to the last bit wherever the row lies.
    """
    parts = []
    for start in range(0, len(rows), fixed):
        part = rows[start : start + fixed]
        padded = np.zeros((fixed, *rows.shape[1:]), dtype=rows.dtype)
        padded[: len(part)] = part
        with torch.inference_mode():
            outputs = forward(torch.from_numpy(padded).to(device))
        parts.append([output[: len(part)].cpu().numpy() for output in outputs])
    return tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))


def calibrated(logits: torch.Tensor, temperature: float | torch.Tensor) -> torch.Tensor:
    """Return the probabilities (rows, 7) of ``logits`` at ``temperature``, one or (rows, 1), in float64."""
    return torch.softmax(logits.to(torch.float64) / temperature, dim=1)


def product_type(device: str) -> torch.dtype:
    """Return bfloat16 where ``device`` has instructions for its products, else float32.

    Without them bfloat16 is emulated and slower. A torch that cannot tell what the CPU has gets float32.
    """
    if torch.device(device).type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        native = any(has.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    return torch.bfloat16 if native else torch.float32
