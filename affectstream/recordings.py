"""Recordings of sessions in the folder that the settings name: who reads them, and their deletion."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affectstream.runtime.audit import audit_log

if TYPE_CHECKING:
    from affectstream.producers.plan import SessionPlan
    from affectstream.runtime.settings import PolicySettings


def of_session(folder: Path, session_id: str) -> Iterator[Path]:
    """Yield the files and folders that are named after a session, endings left aside."""
    for path in sorted(folder.expanduser().rglob("*")):
        if path.name == session_id or (path.name.startswith(f"{session_id}.") and not path.is_dir()):
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


def note_reading(session: "SessionPlan", policy: "PolicySettings") -> None:
    """Note in the audit log that recordings of the folder are read."""
    if policy.recordings is None:
        return
    folder = policy.recordings.expanduser().resolve()
    named = {path for party in session.parties for path in (party.media, party.transcript) if path}
    inside = [path for path in named if path.resolve().is_relative_to(folder)]
    if inside:
        audit_log(policy).append("recording read", session.session_id, detail={"files": len(inside)})
