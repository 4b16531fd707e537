"""A disk of its own, in memory, of which a test decides how much room it has."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BLOCK_BYTES = 4096


@dataclass(frozen=True)
class Disk:
    """A file system, full as soon as its size is reached: what is written then fails with ENOSPC."""

    folder: Path

    def resize(self, kib: int) -> None:
        """Give it another size, as one extends a volume."""
        done = _mount("-o", f"remount,size={kib}k", str(self.folder))
        assert done.returncode == 0, done.stderr

    def fill(self) -> None:
        """Take all the room that is left."""
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(BLOCK_BYTES)) == BLOCK_BYTES:
                    pass
            except OSError:
                return

    def clear(self) -> None:
        """Give back what ``fill`` took."""
        (self.folder / "filler").unlink()


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Disk]:
    """Mount one on a new folder; where that is not permitted, as to an ordinary user, the test is skipped."""
    if not shutil.which("mount"):
        pytest.skip("no `mount` here for a small disk")
    folder.mkdir(parents=True)
    done = _mount("-t", "tmpfs", "-o", f"size={kib}k,mode=700", "tmpfs", str(folder))
    if done.returncode:
        pytest.skip(f"a small disk may not be mounted here: {done.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
