"""The files of the corpora: where they lie (the option --data, else AFFECT_DATA), and how they are read."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from affectstream.schemas.errors import InputError

VARIABLE = "AFFECT_DATA"

Item = TypeVar("Item")
Skipped = tuple[tuple[Path, str], ...]


class Hashed(Protocol):
    """What stands for a file."""

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""


OfFile = TypeVar("OfFile", bound=Hashed)


def corpora(data: Path | None = None) -> Path:
    """Return the folder of all corpora; raises InputError where neither ``data`` nor AFFECT_DATA names it."""
    if data is not None:
        return data
    named = os.environ.get(VARIABLE)
    if not named:
        raise InputError(f"name the folder of the corpora: --data FOLDER, or {VARIABLE} in the environment")
    return Path(named)


def candidates(name: str, data: Path | None = None) -> tuple[Path, Path]:
    """Return where the corpus ``name`` may lie: in its own folder of the corpora, or in ``data`` itself."""
    root = corpora(data)
    return root / name, root


def of_corpus(name: str, data: Path | None = None, holding: str = "*") -> Path:
    """Return the first candidate in which a file matches ``holding``; raises InputError, naming the file."""
    folders = candidates(name, data)
    for folder in folders:
        if any(folder.glob(holding)):
            return folder
    raise InputError(
        f"{folders[0] / holding} is missing: point --data or {VARIABLE} to the folder that holds {name}/"
    )


def read_each(
    files: Sequence[Path], one: Callable[[Path], Item], where: Path, title: str, layout: str
) -> tuple[tuple[Item, ...], Skipped]:
    """Return what ``one`` makes of each file and the files for which it raised InputError, with the reason.

    Raises InputError, naming ``layout``, where there is no file or not a single one can be used.
    """
    if not files:
        raise InputError(f"no {title} files in {where}: {layout}")
    items: list[Item] = []
    skipped: list[tuple[Path, str]] = []
    for path in files:
        try:
            items.append(one(path))
        except InputError as error:
            skipped.append((path, str(error)))
    if not items:
        why = skipped[0][1]
        raise InputError(f"none of {len(files)} files in {where} is of {title} ({why}): {layout}")
    return tuple(items), tuple(skipped)


def files_below(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Return the files under ``folder`` with one of ``suffixes`` (lower case, with the dot), in order.

    The ``._name`` files that a Mac leaves in an archive are passed over.
    """
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(path for path in found if not path.name.startswith("._"))


def picture(path: Path, flags: int = cv2.IMREAD_COLOR) -> tuple[bytes, npt.NDArray[np.uint8]]:
    """Return a file's bytes and the picture in them, by OpenCV's ``flags``; raises InputError for none."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError("cannot be read") from error
    image = cv2.imdecode(np.frombuffer(raw, np.uint8), flags) if raw else None
    if image is None:
        raise InputError("cannot be decoded as a picture")
    return raw, np.asarray(image, dtype=np.uint8)


def equal_files(items: Iterable[OfFile]) -> list[tuple[OfFile, ...]]:
    """Return the groups of items whose files are equal to the last byte."""
    by_hash: dict[str, list[OfFile]] = {}
    for item in items:
        by_hash.setdefault(item.sha256, []).append(item)
    return [tuple(same) for same in by_hash.values() if len(same) > 1]
