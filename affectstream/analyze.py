"""The command `analyze`: a recorded session through models and join in one process, with no broker.

A second process decodes it.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from affectstream.decoding import Decode, decoder
from affectstream.options import (
    Asr,
    Channels,
    Inputs,
    Offsets,
    PartyFiles,
    PlotFile,
    Purpose,
    ReportFile,
    SessionName,
    Speakers,
    TranscriptFile,
)
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import MODALITIES, FusedEmotion, Modality, Observation, Reason

if TYPE_CHECKING:
    from affectstream.analytics.turns import Words
    from affectstream.producers.session import SessionMessage
    from affectstream.runtime.settings import Settings
    from affectstream.session_file import SessionArguments
    from affectstream.workers.observe import Analyst

app = typer.Typer()
out = Console()

BATCH = 64  # messages: enough to fill the batches of all modalities
AHEAD = 8  # batches decoded or under way; what is held of a recording does not grow with its length
THREADS: dict[Modality, int] = {"video": 2, "audio": 1, "text": 1}  # video is two thirds of all work

Batch = Future[list["SessionMessage"]]
Submit = Callable[[Batch], Future[list[Observation]]]

_loading = Lock()  # one thread at a time imports torch and what is built on it


@app.command()
def analyze(
    inputs: Inputs,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="windows, .jsonl or .csv")] = None,
    plot: PlotFile = None,
    summary: Annotated[Path | None, typer.Option(help="the summary and the alerts, as JSON")] = None,
    turns: Annotated[Path | None, typer.Option(help="the turns, as .jsonl")] = None,
    page: ReportFile = None,
    party: PartyFiles = None,
    channels: Channels = None,
    transcript: TranscriptFile = None,
    speaker: Speakers = None,
    offset: Offsets = None,
    session: SessionName = None,
    start_ms: Annotated[int, typer.Option(help="event time of the start, ms since the epoch")] = 0,
    agent_purpose: Purpose = None,
    asr: Asr = False,
) -> None:
    """Analyse a recorded call with no broker, as fast as the machine allows."""
    from affectstream.console import print_warnings
    from affectstream.export import report
    from affectstream.outputs import Outputs
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments, events, recognising
    from affectstream.tables import summary_table

    outputs = Outputs(output, plot, summary, turns, page)
    outputs.check([*inputs, *filter(None, [transcript])])
    settings = recognising(load(), asr, "analyze --asr")
    logging.disable(logging.INFO)
    print_warnings()
    arguments = SessionArguments(
        inputs, party or (), channels, transcript, speaker or (), session, agent_purpose, offset or ()
    )
    with decoder() as decode:
        windows, words = _analysed(arguments, settings, start_ms, decode)
    made = report(windows, settings, words)
    outputs.write(made, windows, settings, events(inputs[0]))
    out.print(summary_table(made, windows[0].session_id))
    for kind, path in outputs:
        out.print(f"{kind}: {path}", highlight=False, markup=False)


def _analysed(
    arguments: "SessionArguments", settings: "Settings", start_ms: int, decode: Decode
) -> tuple[list[FusedEmotion], "list[Words]"]:
    """Return the final windows by time and party, and the words; raises InputError where there is none."""
    from affectstream.export import in_order
    from affectstream.producers.session import estimated_ms
    from affectstream.recordings import note_reading
    from affectstream.session_file import plan
    from affectstream.tables import progress_bar
    from affectstream.turns import tapped

    policy = settings.policy
    session = plan(arguments, settings.producer, start_ms, policy.agent_purpose, policy.redact)
    session = replace(session, transcribe=settings.asr.enabled)
    words: list[Words] = []
    note_reading(session, policy)
    stream: Iterable[SessionMessage] = decode(session)
    if settings.asr.enabled:
        from affectstream.workers.asr.offline import recognised

        stream = recognised(stream, settings, _loading)
    with progress_bar("reading", out, transient=True) as bar:
        task = bar.add_task(session.session_id, total=estimated_ms(session) / 1000)
        windows = in_order(
            finals(
                tapped(stream, words),
                settings.permitting(session.agent_purpose),
                lambda at_ms: bar.update(task, completed=(at_ms - start_ms) / 1000),
            )
        )
    if not windows:
        raise InputError("the recording is too short: it holds no window")
    _tell_of_other_languages(windows)
    return windows, words


def _tell_of_other_languages(windows: Sequence[FusedEmotion]) -> None:
    """Warn of words that the text model cannot read: the summary shows only what was read."""
    from affectstream.console import print_warning

    unread = sum(any(state.reason == Reason.LANGUAGE for state in fused.modalities) for fused in windows)
    if unread:
        print_warning(
            f"the words of {unread} of {len(windows)} windows are in a language that the text model does not "
            "read; they do not count"
        )


def finals(
    stream: "Iterable[SessionMessage]", settings: "Settings", progress: Callable[[int], None] | None = None
) -> Iterator[FusedEmotion]:
    """Yield the final windows of a session in the order in which they close.

    The same messages, models and join as in the stream, so the same bytes. ``progress`` is called with the
    event time up to which all has been analysed. The caller's plan has been checked against the policy.
    """
    from affectstream.workers.fusion.offline import offline_join

    join = offline_join(settings.fusion)
    for observations in observed(stream, settings, progress):
        yield from (window for window in join.push(*observations) if window.pane == "final")


def observed(
    stream: "Iterable[SessionMessage]", settings: "Settings", progress: Callable[[int], None] | None = None
) -> Iterator[list[Observation]]:
    """Yield the observations of a session, as the workers would publish them, each modality's in order.

    They come batch by batch, all of one batch together.

    One thread decodes; those of ``THREADS`` load their models with the first message and run them.
    """
    messages = iter(stream)
    under_way: deque[tuple[Batch, list[Future[list[Observation]]]]] = deque()
    with ExitStack() as exits:
        exits.enter_context(_one_thread("import")).submit(_import_models)
        decoder = exits.enter_context(_one_thread("decode"))
        threads = [
            cycle([exits.enter_context(_thread(modality, settings)) for _ in range(THREADS[modality])])
            for modality in MODALITIES
        ]
        while True:
            while len(under_way) < AHEAD:
                batch = decoder.submit(lambda: list(islice(messages, BATCH)))
                under_way.append((batch, [next(its)(batch) for its in threads]))
            batch, results = under_way.popleft()
            yield [observation for result in results for observation in result.result()]
            if not batch.result():
                return
            if progress:
                progress(batch.result()[-1].end_ms)


def _import_models() -> None:
    """Import what all models are built on, while the first messages are decoded."""
    with _loading:
        import_module("affectstream.workers.device")


@contextmanager
def _one_thread(name: str) -> Iterator[ThreadPoolExecutor]:
    """Run what is submitted in order in one thread; what has not begun at the end is dropped."""
    executor = ThreadPoolExecutor(1, thread_name_prefix=name)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _thread(modality: Modality, settings: "Settings") -> Iterator[Submit]:
    """Run a model of its own in one thread: submit a batch, get the modality's observations of it."""
    analyst: Analyst[Any] | None = None

    def observations(batch: Batch) -> list[Observation]:
        nonlocal analyst
        mine = [message for message in batch.result() if message.modality == modality]
        if not mine:
            return []
        from affectstream.workers.observe import observe

        analyst = analyst or loaded(modality, settings)
        return [outcome.observation for outcome in observe(analyst, mine, settings.policy.agent_purpose)]

    with _one_thread(modality) as executor:
        yield lambda batch: executor.submit(observations, batch)


def loaded(modality: Modality, settings: "Settings") -> "Analyst[Any]":
    """Return a modality's analyst with its weights loaded."""
    with _loading:
        from affectstream.workers.device import limit_threads

        limit_threads(max(settings.video.threads, settings.audio.threads, settings.text.threads))
        analyst: Analyst[Any] = import_module(f"affectstream.workers.{modality}").analyst(settings)
        return analyst
