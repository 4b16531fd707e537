"""`affectstream analyze`: the windows to a file, a plot and the terminal."""

import logging
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from affectstream import plot as timeline
from affectstream import summary as summaries
from affectstream.export import in_order, write
from affectstream.runtime import settings as configuration
from affectstream.runtime.settings import Settings
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import FusedEmotion
from affectstream.session_file import Typed, permitting, plan


def run(
    typed: Typed,
    start_ms: int,
    output: Path | None,
    plot: Path | None,
    summary: Path | None,
    console: Console,
) -> None:
    """Analyse what was typed; write what was asked for; print the summary."""
    settings = configuration.load()
    logging.disable(logging.INFO)
    windows = analysed(typed, settings, start_ms, console)
    if not windows:
        raise InputError("the recording is too short: it holds no window")
    if output:
        write(windows, output)
    if plot:
        timeline.draw(windows, plot, windows[0].session_id)
    made = summaries.report(windows, settings.alerts)
    if summary:
        summaries.write(made, summary)
    console.print(summaries.shown(made, windows[0].session_id))
    for what, path in (("windows", output), ("plot", plot), ("summary", summary)):
        if path:
            console.print(f"{what}: {path}", highlight=False)


def analysed(typed: Typed, settings: Settings, start_ms: int, console: Console) -> list[FusedEmotion]:
    """Return the final windows by time and party, read under a progress bar."""
    from affectstream.analyze import finals
    from affectstream.producers.session import estimated_ms, messages

    session = plan(typed, settings.producer, start_ms, settings.policy.agent_purpose)
    bar = Progress(
        TextColumn("reading {task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(session.session_id, total=estimated_ms(session) / 1000)
        return in_order(
            finals(
                messages(session),
                permitting(settings, session.agent_purpose),
                lambda at_ms: bar.update(task, completed=(at_ms - start_ms) / 1000),
            )
        )
