"""The addresses of the system that `affectstream up` runs on this machine, for the user's other commands.

They lie in a file of the user's that `up` holds a lock on: the kernel releases it however `up` ends, so that
the addresses of one that is gone are never used.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME = "up.json"
ADDRESSES: Mapping[str, tuple[str, ...]] = {"kafka": ("bootstrap", "embedded"), "redis": ("url",)}
EXPLICIT = ("kafka.bootstrap", "kafka.embedded", "redis.url")  # where one is set, all are the user's


@contextmanager
def announced(system: Mapping[str, Any]) -> Iterator[bool]:
    """Leave a system's addresses for other commands; yields whether they will find them.

    They will not where another system runs, or where there is no folder of the user's own.
    """
    try:
        file = os.open(_folder(make=True) / NAME, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        yield False
        return
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"pid": os.getpid(), **system}).encode(), 0)
        yield True
    finally:
        os.ftruncate(file, 0)
        os.close(file)


def running() -> dict[str, Any] | None:
    """Return what the system that runs now has announced, None where none does."""
    try:
        file = os.open(_folder() / NAME, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if os.fstat(file).st_uid != os.geteuid() or not _is_locked(file):
            return None
        found = json.loads(os.read(file, 1 << 16))
    except (OSError, ValueError):
        return None
    finally:
        os.close(file)
    complete = isinstance(found, dict) and all(isinstance(found.get(group), dict) for group in ADDRESSES)
    return found if complete else None


def addresses(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings that lead to an announced system, and whether it recognises words."""
    named = {
        group: {name: found[group][name] for name in names if name in found[group]}
        for group, names in ADDRESSES.items()
    }
    return named | ({"asr": {"enabled": True}} if found.get("asr") is True else {})


def _folder(make: bool = False) -> Path:
    """Return the folder of the user's running processes; raises OSError where it is somebody else's."""
    own = os.environ.get("XDG_RUNTIME_DIR")
    base = Path(own) if own else Path(tempfile.gettempdir()) / f"affectstream-{os.geteuid()}"
    folder = base / "affectstream" if own else base
    if make:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid != os.geteuid():
        raise PermissionError(str(folder))
    return folder


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
