"""Text weights as stored: matrices in int8 with one scale per row.

Only the file is int8: on loading, every tensor becomes float32 again.
"""

import torch
from torch import Tensor

SCALE = ".scale"


def packed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return matrices as int8 beside a float16 scale per row, vectors as float32."""
    out: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.ndim != 2 or not tensor.is_floating_point():
            out[name] = tensor.contiguous()
            continue
        scale = (tensor.abs().amax(1, keepdim=True) / 127).clamp_min(1e-6).half()
        out[name] = (tensor / scale.float()).round().clamp(-127, 127).to(torch.int8)
        out[name + SCALE] = scale
    return out


def unpacked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what ``packed`` stored, as float32 in memory of its own."""
    scales = {name.removesuffix(SCALE): t.float() for name, t in tensors.items() if name.endswith(SCALE)}
    stored = {name: tensor for name, tensor in tensors.items() if not name.endswith(SCALE)}
    return {
        name: t.float() * scales[name] if name in scales else t.float().clone() for name, t in stored.items()
    }
