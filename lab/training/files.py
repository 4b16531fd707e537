"""The files of a run: written whole or not at all, read with a clear error."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from affectstream.schemas.errors import InputError

WEIGHTS = "best.safetensors"  # of the best epoch, in the folder of a part
FEATURES = "features"  # beside the folders of runs: what is made once of the corpora
Arrays = dict[str, npt.NDArray[np.generic]]


def whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file beside ``path`` and put it there once it is done; raises InputError."""
    part = path.with_name(f"part-{path.name}")  # keeps the ending, which numpy would add
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def arrays(path: Path) -> Arrays:
    """Return the arrays of an npz file; raises InputError where it is missing or broken."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is missing or broken: delete it, and its command makes it again") from error


def weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file; raises InputError where it is missing or broken."""
    try:
        found: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} is missing or broken: give the folder of a whole run, or train it anew"
        ) from error
    return found


def mean_weights(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of the tensors; counters are those of the last.

    Sound for runs from the same start only (Wortsman et al., "Model soups", ICML 2022).
    """
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[-1].items()
    }
