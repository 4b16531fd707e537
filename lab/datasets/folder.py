"""Where the corpora lie: the option --data, else AFFECT_DATA."""

import os
from pathlib import Path

from affectstream.schemas.errors import InputError

VARIABLE = "AFFECT_DATA"


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
