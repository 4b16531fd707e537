"""The commands `recordings list`, `info`, `verify` and `export`; and the note of who reads recordings."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from affectstream.runtime.audit import audit_log
from affectstream.runtime.recordings import PART, SUFFIX
from affectstream.schemas.errors import InputError, MessageError

if TYPE_CHECKING:
    from affectstream.producers.plan import SessionPlan
    from affectstream.runtime.recording import Recording
    from affectstream.runtime.settings import PolicySettings

app = typer.Typer(no_args_is_help=True)
out = Console()

File = Annotated[Path, typer.Argument(metavar="FILE.mcap", help="a recording", show_default=False)]
Files = Annotated[list[Path], typer.Argument(metavar="FILE.mcap", help="recordings", show_default=False)]


@app.command("list")
def list_recordings(
    folder: Annotated[
        Path | None, typer.Argument(help="default: policy.recordings", show_default=False)
    ] = None,
) -> None:
    """List the recordings of a folder, by the session."""
    from affectstream.runtime.recording import open_recording
    from affectstream.runtime.settings import load
    from affectstream.tables import listing, utc

    folder = folder or load().policy.recordings
    if folder is None:
        raise InputError("name a folder, or set policy.recordings")
    if not folder.expanduser().is_dir():
        raise InputError(f"{folder}: not a folder")
    table = listing(str(folder), "file", "session", "run", "from (UTC)", "length", "size", "state")
    for path in _files(folder.expanduser()):
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        try:
            found = open_recording(path)
        except InputError:
            table.add_row(escape(path.name), "", "", "", "", size, "not readable")
            continue
        length = f"{(found.end_ms - found.start_ms) / 1000:.0f} s"
        row = escape(path.name), found.session_id, found.run, utc(found.start_ms), length, size, state(found)
        table.add_row(*row)
    out.print(table)


@app.command()
def info(file: File) -> None:
    """Show what a recording holds: streams, messages, models."""
    from affectstream.runtime.recording import open_recording
    from affectstream.tables import listing, utc

    found = open_recording(file)
    run = f", run {found.run}" if found.run else ""
    table = listing(f"session {found.session_id}{run}: {state(found)}", "topic", "party", "type", "messages")
    for stream in found.streams:
        table.add_row(stream.topic, stream.party, stream.kind, str(stream.messages))
    out.print(table)
    length_s = (found.end_ms - found.start_ms) / 1000
    out.print(f"from {utc(found.start_ms)} UTC, {length_s:.0f} s, {file.stat().st_size / 1e6:.1f} MB")
    finals = found.finals()
    used = {s.model_id for final in finals for s in final.modalities if s.model_id}
    used |= {final.rule for final in finals}
    if used:
        out.print(f"models and rules: {', '.join(sorted(used))}", highlight=False, markup=False)


@app.command()
def verify(files: Files) -> None:
    """Check every chunk and every message of recordings; exit code 1 where one is not whole."""
    from affectstream.runtime.recording import open_recording

    sound = True
    for path in files:
        faults = list(faults_of(open_recording(path)))
        sound &= not faults
        for fault in faults:
            out.print(f"[red]{escape(str(path))}: {escape(fault)}[/red]", highlight=False, soft_wrap=True)
        if not faults:
            out.print(f"{path}: whole", highlight=False, markup=False, soft_wrap=True)
    if not sound:
        raise typer.Exit(1)


@app.command()
def export(
    file: File,
    folder: Annotated[Path, typer.Option("-o", "--output", help="a folder, made where it is missing")],
    foxglove: Annotated[
        bool, typer.Option("--foxglove", help="one MCAP file for Foxglove's panels instead: foxglove.mcap")
    ] = False,
) -> None:
    """Write sound as WAV, pictures as JPEG, words and finals as files; noted in the audit log."""
    from affectstream.recordings_export import export_media, export_results
    from affectstream.recordings_foxglove import export_foxglove
    from affectstream.runtime.recording import open_recording
    from affectstream.runtime.settings import load

    settings, found = load(), open_recording(file)
    note_files([file], found.session_id, settings.policy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if foxglove:
            written = list(export_foxglove(found, folder))
        else:
            written = [*export_media(found, folder), *export_results(found, folder, settings)]
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}") from None
    audit_log(settings.policy).append(
        "export", found.session_id, detail={"files": sum(n for _, n in written)}
    )
    for what, count in written:
        out.print(f"{what}: {count}", highlight=False, markup=False)


def state(found: "Recording") -> str:
    """Return in words whether a recording is whole."""
    if found.whole:
        return "whole"
    return "being written, or cut off" if found.path.name.endswith(PART) else "cut off"


def faults_of(found: "Recording") -> Iterator[str]:
    """Yield what is wrong with a recording, chunk by chunk and message by message."""
    from affectstream.runtime.recording.layout import scanned
    from affectstream.runtime.recording.record import message_of

    checked = scanned(found.path)
    count, stated = sum(checked.counts.values()), sum(found.written.counts.values())
    if not found.whole:
        size = found.path.stat().st_size
        yield f"cut off: {count} messages are readable, {checked.readable_bytes} of {size} bytes"
    elif count < stated:
        yield f"damaged after {checked.readable_bytes} bytes: {count} of {stated} messages are readable"
        return
    bad: Counter[str] = Counter()
    for channel, raw in found.raw():
        try:
            message_of(channel.metadata["topic"], raw.data)
        except MessageError as error:
            bad[f"{channel.topic}: {error}"] += 1
    yield from (f"{number} messages cannot be read: {what}" for what, number in bad.items())


def note_reading(session: "SessionPlan", policy: "PolicySettings") -> None:
    """Note in the audit log that recordings of the folder are read."""
    named = {path for party in session.parties for path in (party.media, party.transcript) if path}
    note_files(named, session.session_id, policy)


def note_files(paths: Iterable[Path], session_id: str, policy: "PolicySettings") -> None:
    """Note in the audit log that those of the files that lie in the folder of recordings are read."""
    if policy.recordings is None:
        return
    folder = policy.recordings.expanduser().resolve()
    inside = [path for path in paths if path.resolve().is_relative_to(folder)]
    if inside:
        audit_log(policy).append("recording read", session_id, detail={"files": len(inside)})


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.name.removesuffix(PART).endswith(SUFFIX))
