"""Reading of many files, with a list of the unreadable ones and why."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from affectstream.schemas.errors import InputError

Item = TypeVar("Item")
Skipped = tuple[tuple[Path, str], ...]


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
