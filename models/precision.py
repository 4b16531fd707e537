"""The number type in which a device multiplies fastest at no cost in accuracy."""

from collections.abc import Mapping
from typing import Any

import torch


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
