"""The audit log on disk: appended by any process of this machine, one at a time, and verified.

An entry is written and synchronised, then the head. A process that is killed in between leaves an entry that
the head does not count yet, or a torn line; the next append takes the one in and removes the other, which
nobody was told was written.
"""

import fcntl
import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.disk import unavailable
from affectstream.runtime.settings import PolicySettings
from affectstream.schemas.audit import AuditEntry, Detail, Did, Head, entry, following, line
from affectstream.schemas.errors import InputError, NoRoom, Unavailable

READ_BYTES = 1 << 16
LONGEST_DETAIL = 200  # characters
NOTHING: Detail = {}


@dataclass(frozen=True)
class Verdict:
    """What a check of the log found."""

    entries: int
    last_hash: str
    faults: tuple[str, ...]
    torn_bytes: int = 0  # of a line whose writer was killed
    uncounted: int = 0  # whole entries that the head does not count yet


class AuditLog:
    """One file of entries, and its head beside it."""

    def __init__(self, path: Path, key: str | None = None) -> None:
        self.path = path.expanduser()
        self._head = self.path.with_name(self.path.name + ".head")
        self._key = (key or "").encode()

    def append(self, did: Did, session: str = "", by: str = "", detail: Detail = NOTHING) -> None:
        """Add an entry, durably; raises Unavailable where it cannot be written, InputError for a broken log.

        ``detail`` holds names, counts and times, never words, numbers of people or contents.
        """
        short = {
            name: value[:LONGEST_DETAIL] if isinstance(value, str) else value
            for name, value in detail.items()
        }
        with self._locked() as file:
            head = self._continued(file)
            made = AuditEntry(head.entries, wall_ms(), by or user(), did, session, short, head.hash)
            self._write(file, made, head)

    def entries(self) -> Iterator[AuditEntry]:
        """Yield the entries in their order, whatever a check would say of them."""
        if not self.path.exists():
            return
        with self.path.open("rb") as lines:
            yield from (found for text in lines if (found := entry(text.rstrip(b"\n"))))

    def verify(self, holds: str = "") -> Verdict:
        """Check every entry, and the head; ``holds`` is the hash of an entry that must be there."""
        if not self.path.exists():
            gone = (f"{self.path} is gone; its head is there",) if self._head.exists() else ()
            return Verdict(0, Head().hash, gone)
        with self._locked() as file:
            data = b"".join(_chunks(file, 0))
            head = self._read_head()
        whole, _, torn = data.rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        found = list(following(Head(), lines, self._key))
        faults = [each for each in found if isinstance(each, str)]
        good = [each for each in found if isinstance(each, AuditEntry)]
        faults += self._against_head(head, lines, len(data))
        if holds and all(each.hash != holds for each in good):
            faults.append("the entry that must be there is not: the log was replaced by an older one")
        last = good[-1].hash if good else Head().hash
        uncounted = max(0, len(lines) - head.entries) if head else 0
        return Verdict(len(lines), last, tuple(faults), len(torn), uncounted)

    def _against_head(self, head: Head | None, lines: list[bytes], size: int) -> Iterator[str]:
        if head is None:
            if len(lines) > 1 or self._head.exists():
                yield f"{self._head.name} is gone, or was not written with this policy.audit_key"
        elif len(lines) < head.entries or size < head.size:
            yield f"cut off: {len(lines)} entries, and there were {head.entries}"
        elif head.entries and (last := entry(lines[head.entries - 1])) and last.hash != head.hash:
            yield f"line {head.entries}: is not the entry that was written last"

    def _continued(self, file: int) -> Head:
        """Return where the log goes on, a torn line removed."""
        head, size = self._read_head(), os.fstat(file).st_size
        if size < (head.size if head else 0) or (head is None and self._head.exists()):
            raise self._broken()
        head = head or Head()
        whole, _, torn = b"".join(_chunks(file, head.size)).rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        if not head.entries and len(lines) > 1:
            raise self._broken()
        for found in following(head, lines, self._key):
            if isinstance(found, str):
                raise self._broken()
            written = head.size + len(line(found, self._key))
            head = Head(head.entries + 1, written, found.hash)
        if torn:
            os.ftruncate(file, head.size)
            made = AuditEntry(
                head.entries, wall_ms(), user(), "recovered", "", {"bytes": len(torn)}, head.hash
            )
            head = self._write(file, made, head)
        return head

    def _write(self, file: int, made: AuditEntry, head: Head) -> Head:
        """Write an entry, then the head that counts it; return that."""
        text = line(made, self._key)
        written = os.pwrite(file, text, head.size)
        if written < len(text):
            raise NoRoom(f"the audit log {self.path}: the disk is full; make room and do it again")
        os.fsync(file)
        stored = entry(text.rstrip(b"\n"))
        assert stored
        new = Head(head.entries + 1, head.size + len(text), stored.hash)
        scratch = self._head.with_name(self._head.name + ".new")
        with scratch.open("w", encoding="utf-8") as kept:
            kept.write(new.text(self._key))
            kept.flush()
            os.fsync(kept.fileno())
        scratch.replace(self._head)
        return new

    def _read_head(self) -> Head | None:
        try:
            return Head.read(self._head.read_text(encoding="utf-8"), self._key)
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def _broken(self) -> InputError:
        return InputError(
            f"the audit log {self.path} is not as it was written, so nothing is added: "
            "`affectstream audit verify` says where; move it and its .head away to begin a new one"
        )

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the log, made where it is absent; raises Unavailable."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unavailable(error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        except OSError as error:
            raise self._unavailable(error) from None
        finally:
            os.close(file)

    def _unavailable(self, error: OSError) -> Unavailable:
        return unavailable(
            error, f"the audit log {self.path}: {error.strerror}; policy.audit_log names another"
        )


def audit_log(policy: PolicySettings) -> AuditLog:
    """Return the log that the settings name; by default it is in the user's folder of states."""
    key = policy.audit_key.get_secret_value() if policy.audit_key else None
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return AuditLog(policy.audit_log or base / "affectstream" / "audit.jsonl", key)


def user() -> str:
    """Return the name of the user whose process this is."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _chunks(file: int, offset: int) -> Iterator[bytes]:
    while found := os.pread(file, READ_BYTES, offset):
        yield found
        offset += len(found)
