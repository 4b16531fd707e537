"""The command `analyze`: a recorded session through models and join in one process, with no broker."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from affectstream.options import Channels, Inputs, PartyFiles, Purpose, SessionName, Speakers, TranscriptFile
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import MODALITIES, FusedEmotion, Modality, Observation

if TYPE_CHECKING:
    from affectstream.producers.session import SessionMessage
    from affectstream.runtime.settings import Settings
    from affectstream.session_file import SessionArguments
    from affectstream.workers.observe import Analyst

app = typer.Typer()
out = Console()

READ_AHEAD = 64  # messages: enough to fill the batches of all modalities, little enough to hold


@app.command()
def analyze(
    inputs: Inputs,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="final windows, .jsonl or .csv")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="timeline as .png, .svg or .pdf")] = None,
    summary: Annotated[Path | None, typer.Option(help="the summary and the alerts, as JSON")] = None,
    party: PartyFiles = None,
    channels: Channels = None,
    transcript: TranscriptFile = None,
    speaker: Speakers = None,
    session: SessionName = None,
    start_ms: Annotated[
        int, typer.Option(help="event time of the recording's start, ms since the epoch")
    ] = 0,
    agent_purpose: Purpose = None,
) -> None:
    """Read a recorded call in this process, with no broker, as fast as the machine allows."""
    import logging

    from affectstream.export import report, write_report
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments
    from affectstream.tables import summary_table

    _check_outputs(output, plot)
    settings = load()
    logging.disable(logging.INFO)
    arguments = SessionArguments(
        inputs, party or (), channels, transcript, speaker or (), session, agent_purpose
    )
    windows = _analysed(arguments, settings, start_ms)
    _write_outputs(windows, output, plot, settings)
    made = report(windows, settings.alerts)
    if summary:
        write_report(made, summary)
    out.print(summary_table(made, windows[0].session_id))
    for what, path in (("windows", output), ("plot", plot), ("summary", summary)):
        if path:
            out.print(f"{what}: {path}", highlight=False)


def _check_outputs(output: Path | None, plot: Path | None) -> None:
    """Refuse an output of unknown kind before the minutes of work."""
    from affectstream.export import kind_of
    from affectstream.plot import check_kind

    if output:
        kind_of(output)
    if plot:
        check_kind(plot)


def _write_outputs(
    windows: list[FusedEmotion], output: Path | None, plot: Path | None, settings: "Settings"
) -> None:
    from affectstream.export import display_of, write
    from affectstream.plot import draw

    if output:
        write(windows, output, display_of(settings))
    if plot:
        draw(windows, plot, windows[0].session_id)


def _analysed(arguments: "SessionArguments", settings: "Settings", start_ms: int) -> list[FusedEmotion]:
    """Return the final windows by time and party, read under a progress bar; raises InputError for none."""
    from affectstream.export import in_order
    from affectstream.producers.session import estimated_ms, messages
    from affectstream.session_file import permitting, plan
    from affectstream.tables import progress_bar

    session = plan(arguments, settings.producer, start_ms, settings.policy.agent_purpose)
    with progress_bar("reading", out, transient=True) as bar:
        task = bar.add_task(session.session_id, total=estimated_ms(session) / 1000)
        windows = in_order(
            finals(
                messages(session),
                permitting(settings, session.agent_purpose),
                lambda at_ms: bar.update(task, completed=(at_ms - start_ms) / 1000),
            )
        )
    if not windows:
        raise InputError("the recording is too short: it holds no window")
    return windows


def finals(
    stream: "Iterable[SessionMessage]", settings: "Settings", progress: Callable[[int], None] | None = None
) -> Iterator[FusedEmotion]:
    """Yield the final windows of a session in the order in which they close.

    The same messages, models and join as in the stream, so the same bytes. ``progress`` is told the event
    time that has been read. The caller's plan has been checked against the policy.
    """
    from affectstream.workers.fusion.engines import engines

    join = engines(settings.fusion)()
    for item in observed(stream, settings, progress):
        for window in join.push(item):
            if isinstance(window, FusedEmotion) and window.pane == "final":
                yield window


def observed(
    stream: "Iterable[SessionMessage]", settings: "Settings", progress: Callable[[int], None] | None = None
) -> Iterator[Observation]:
    """Yield what the models say about a session, as the workers would publish it."""
    from affectstream.workers.device import limit_threads

    limit_threads(max(settings.video.threads, settings.audio.threads, settings.text.threads))
    analysts: dict[Modality, Analyst[Any]] = {}
    waiting = iter(stream)
    while batch := list(islice(waiting, READ_AHEAD)):
        for modality in MODALITIES:
            mine = [message for message in batch if message.modality == modality]
            if mine and modality not in analysts:
                analysts[modality] = import_module(f"affectstream.workers.{modality}").analyst(settings)
            yield from _outcomes(mine, analysts.get(modality), settings.policy.agent_purpose)
        if progress:
            progress(batch[-1].end_ms)


def _outcomes(
    mine: "Sequence[SessionMessage]", analyst: "Analyst[Any] | None", purpose: str | None
) -> Iterator[Observation]:
    from affectstream.workers.observe import observe

    if analyst:
        for outcome in observe(analyst, mine, purpose):
            yield outcome.observation
