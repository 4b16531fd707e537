"""The command `replay`: recorded sessions onto Kafka."""

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from affectstream.options import (
    CallId,
    Channels,
    Copies,
    From,
    IdSuffix,
    Inputs,
    Loops,
    Offsets,
    PartyFiles,
    Purpose,
    Results,
    RunId,
    SessionName,
    Speakers,
    Speed,
    Start,
    StartOffset,
    To,
    TranscriptFile,
)
from affectstream.schemas.due import due_ms
from affectstream.schemas.errors import InputError

if TYPE_CHECKING:
    from affectstream.producers.playback import Control, Play, Playable
    from affectstream.replay_recorded import AgainWord, Given, Often, Wanted
    from affectstream.runtime.settings import Settings
    from affectstream.session_file import SessionArguments

app = typer.Typer()
out = Console()

SEEK_MS = 10_000
LEFT, RIGHT = "\x1b[D", "\x1b[C"


class Again(Enum):
    """What becomes of a session that was sent before."""

    refuse = "refuse"
    replace = "replace"
    apart = "apart"


SentBefore = Annotated[
    Again, typer.Option(help="where the session was sent before: refuse, replace it, or send it apart")
]


@app.command()
def replay(
    inputs: Inputs,
    speed: Speed = None,
    start: Start = "now",
    from_: From = None,
    to: To = None,
    loops: Loops = 1,
    copies: Copies = 1,
    start_offset: StartOffset = 0.0,
    id_suffix: IdSuffix = "",
    results: Results = False,
    party: PartyFiles = None,
    channels: Channels = None,
    transcript: TranscriptFile = None,
    speaker: Speakers = None,
    offset: Offsets = None,
    session: SessionName = None,
    call_id: CallId = None,
    agent_purpose: Purpose = None,
    again: SentBefore = Again.refuse,
    run: RunId = None,
) -> None:
    """Publish a recorded call to Kafka, for the workers that are running there."""
    from affectstream.console import print_warnings
    from affectstream.producers.session_ids import pseudonym
    from affectstream.replay_recorded import Often
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments

    settings = load()
    session = session or (pseudonym(call_id, settings.gateway.session_key) if call_id else None)
    arguments = SessionArguments(
        inputs, party or (), channels, transcript, speaker or (), session, agent_purpose, offset or ()
    )
    print_warnings()
    often = Often(loops, copies, start_offset, id_suffix)
    given, wanted = _chosen(arguments, settings, (from_, to), often, start, results, run)
    playing = _claimed(given, wanted, settings, again.value, run)
    _play(playing, settings, speed)


def _chosen(
    arguments: "SessionArguments",
    settings: "Settings",
    ends: tuple[str | None, str | None],
    often: "Often",
    start: str,
    results: bool,
    run: str | None,
) -> "tuple[list[Given], Wanted]":
    """Return the sources and what is wanted of them; ``ends`` are those of the range; raises InputError."""
    from affectstream import replay_recorded as chosen
    from affectstream.producers.runs import check_run

    check_run(run or "")
    begin_ms = chosen.begin_ms(start)
    span = chosen.Span(chosen.seconds(ends[0], "--from"), chosen.seconds(ends[1], "--to"))
    given, snap = _sources(arguments, settings, start, begin_ms, results)
    chosen.check_one_run(given, often, run)
    return given, chosen.Wanted(span, often, None if start == "recorded" else begin_ms, snap)


def _sources(
    arguments: "SessionArguments", settings: "Settings", start: str, begin_ms: int, results: bool
) -> "tuple[list[Given], bool]":
    """Return the sources, and whether windows snap to those of a recording; raises InputError."""
    from affectstream import replay_recorded as chosen

    if chosen.are_recordings(arguments.inputs):
        chosen.refuse_of_media(arguments)
        given = chosen.recordings(arguments, settings, results)
        chosen.require_analysed(given)
        return given, start == "now"
    if results or start == "recorded":
        raise InputError("--results and --start recorded are for recordings (.mcap)")
    return [_planned(arguments, settings, begin_ms)], True


def _planned(arguments: "SessionArguments", settings: "Settings", start_ms: int) -> "Given":
    """Return the source of media: what is wrong with the files claims no run."""
    from affectstream.producers.playback import Source
    from affectstream.producers.session import estimated_ms, messages
    from affectstream.recordings import note_reading
    from affectstream.replay_recorded import Given, require_analysed
    from affectstream.session_file import plan

    policy = settings.policy
    played = plan(arguments, settings.producer, start_ms, policy.agent_purpose, policy.redact)
    played = replace(played, transcribe=settings.asr.enabled)
    parties = frozenset(given.party for given in played.parties)
    source = Source(played.session_id, start_ms, lambda *_: messages(played))
    given = Given(source, start_ms + estimated_ms(played), parties, played.agent_purpose)
    require_analysed([given])
    note_reading(played, policy)
    return given


def _claimed(
    given: "Sequence[Given]", wanted: "Wanted", settings: "Settings", again: "AgainWord", run: str | None
) -> "list[list[Play]]":
    """Return what is played, under ids and runs that are claimed once the topics are known to be there."""
    import asyncio

    from affectstream.replay_recorded import plays
    from affectstream.runtime.kafka import topics

    async def claimed() -> "list[list[Play]]":
        await topics.check(settings.kafka)
        return await plays(given, wanted, settings, again, run)

    return asyncio.run(claimed())


def _play(playing: "Sequence[Sequence[Play]]", settings: "Settings", speed: float | None) -> None:
    """Publish sessions under a bar, and print what was sent."""
    import asyncio

    from affectstream.console import keys
    from affectstream.producers.playback import Control, Player, beside
    from affectstream.publish import published
    from affectstream.tables import progress_bar

    control = Control()
    players = [Player(plays, settings.fusion.window_ms, control) for plays in playing]
    every = [play for plays in playing for play in plays]
    begin_ms, total_s, name = bar_of(playing)
    with progress_bar("replaying", out) as bar, keys(lambda key: press(control, key)):
        task = bar.add_task(name, total=total_s)

        def progress(message: "Playable") -> None:
            bar.update(task, completed=(due_ms(message) - begin_ms) / 1000)

        stream = beside(players)
        sent = asyncio.run(
            published(stream, settings.kafka, speed, progress, settings.asr.enabled, settings, control)
        )
    for play in every[:-1]:
        out.print(f"session {play.session_id}, run {play.run}")
    out.print(
        f"session {every[-1].session_id}, run {every[-1].run}: {sent.records} messages, "
        f"{sent.payload_bytes / 1e6:.1f} MB of media"
    )


def bar_of(playing: "Sequence[Sequence[Play]]") -> tuple[int, float, str]:
    """Return from when on, for how many seconds and under which name a bar shows what is played."""
    begin_ms = min(its[0].start_ms for its in playing)
    ends = [its[0].start_ms + sum(play.until_ms - play.from_ms for play in its) for its in playing]
    many = sum(len(its) for its in playing)
    return (
        begin_ms,
        (max(ends) - begin_ms) / 1000,
        playing[0][0].session_id if many == 1 else f"{many} sessions",
    )


def press(control: "Control", key: str) -> None:
    """Do what a key asks for: space pauses and resumes, the arrows seek, q ends."""
    if key == " ":
        control.paused = not control.paused
    elif key == "q":
        control.stopped = True
    elif key in (LEFT, RIGHT):
        control.seeks.append(SEEK_MS if key == RIGHT else -SEEK_MS)
