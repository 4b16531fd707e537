"""Files of named arrays with a format, checked when they are read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from affectstream.schemas.errors import InputError

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    what: str  # "probability log"
    format: str
    names: Collection[str]  # of the arrays
    remake: str  # how a user makes the file again


def write(kind: Kind, arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write ``arrays`` and the format to ``path`` and make its folder; raises InputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, allow_pickle=False, **{**arrays, "format": np.array(kind.format)})
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def read(kind: Kind, path: Path) -> Arrays:
    """Return the arrays in ``path``; raises InputError, saying what is wrong, for another kind of file."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored}
    except FileNotFoundError as error:
        raise InputError(f"no {kind.what} at {path}; {kind.remake}") from error
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} is no {kind.what}; {kind.remake}") from error
    missing = [name for name in ("format", *kind.names) if name not in arrays]
    if missing or str(arrays["format"]) != kind.format:
        fault = f"lacks {', '.join(missing)}" if missing else f"is not of the format {kind.format}"
        raise InputError(f"{path} {fault}; {kind.remake}")
    return arrays
