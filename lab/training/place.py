"""Where torch is to compute, found out before anything is read."""

import torch

from affectstream.schemas.errors import InputError


def require(device: str) -> None:
    """Raise InputError where torch cannot compute on ``device``."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"the device {device!r} cannot be used here: take cpu, or cuda with its driver"
        ) from error
