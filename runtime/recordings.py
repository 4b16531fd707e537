"""The folder of recordings: which files are of which session, and their deletion."""

import shutil
from collections.abc import Iterator
from pathlib import Path

SUFFIX, PART, COPY = ".mcap", ".part", ".copy"
NEXT = "~"  # between a session and the number of its file; no session id holds it


def part_of(path: Path) -> Path:
    """Return the name of a file while it is written."""
    return path.with_name(path.name + PART)


def whole_of(path: Path) -> Path:
    """Return the name that a file has once it is whole."""
    return path.with_name(path.name.removesuffix(PART))


def session_of(name: str) -> str | None:
    """Return the session that the recorder's file of that name is of; None where it is no such file."""
    stem, ending, rest = name.partition(SUFFIX)
    return stem.partition(NEXT)[0] if ending and rest in ("", PART, PART + COPY) else None


def sessions(folder: Path) -> set[str]:
    """Return the sessions that the recorder has written files of, whole or not."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return {found for name in names if (found := session_of(name))}


def of_session(folder: Path, session_id: str) -> Iterator[Path]:
    """Yield the files and folders that are named after a session, endings left aside."""
    for path in sorted(folder.expanduser().rglob("*")):
        if (recorded := session_of(path.name)) is not None:
            if recorded == session_id:
                yield path
        elif path.name == session_id or (path.name.startswith(f"{session_id}.") and not path.is_dir()):
            yield path


def delete(folder: Path, session_id: str) -> int:
    """Delete the recordings of a session; returns how many files and folders there were."""
    found = list(of_session(folder, session_id))
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(found)
