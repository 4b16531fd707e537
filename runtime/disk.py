"""A disk that is written to: folders on it, its errors in words, and waiting for room where it is full."""

import errno
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import structlog

from affectstream.runtime import metrics
from affectstream.schemas.errors import InputError, NoRoom, Unavailable

log = structlog.get_logger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT)

T = TypeVar("T")


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing; raises InputError where it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise InputError(f"cannot write into the folder {folder}")


def unavailable(error: OSError, text: str) -> Unavailable:
    """Return the error of this project for one of the system: NoRoom where the disk or a quota is full."""
    return NoRoom(text) if error.errno in FULL else Unavailable(text)


@contextmanager
def recording_to(folder: Path) -> Iterator[None]:
    """Raise Unavailable where a folder of recordings cannot be written to, NoRoom where its disk is full."""
    try:
        yield
    except OSError as error:
        raise unavailable(
            error,
            f"recording to {folder}: {error.strerror or error}; what is on disk stays readable, the rest "
            "is read from Kafka again: make room",
        ) from None


class Room:
    """Whether recordings find room on their disk: what finds none is tried until it does."""

    def __init__(self, folder: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._now_s = folder, now_s
        self._full_since_s: float | None = None
        metrics.DISK_FULL.set(0)

    @property
    def there(self) -> bool:
        """Say whether the last attempt to write found room."""
        return self._full_since_s is None

    async def wait_for(
        self, write: Callable[[], Awaitable[T]], meanwhile: Callable[[NoRoom], Awaitable[None]]
    ) -> T:
        """Return what ``write`` returns, tried again after each ``meanwhile`` that does not raise."""
        while True:
            try:
                done = await write()
            except NoRoom as error:
                self._note_full(error)
                await meanwhile(error)
            else:
                self._note_room()
                return done

    def _note_full(self, error: NoRoom) -> None:
        if self._full_since_s is None:
            self._full_since_s = self._now_s()
            metrics.DISK_FULL.set(1)
            log.error("disk_full", folder=str(self._folder), why=str(error))

    def _note_room(self) -> None:
        if self._full_since_s is not None:
            waited_s, self._full_since_s = self._now_s() - self._full_since_s, None
            metrics.DISK_FULL.set(0)
            log.info("disk_has_room", folder=str(self._folder), waited_s=round(waited_s, 1))
