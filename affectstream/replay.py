"""The command `replay`: recorded sessions onto Kafka."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
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
from affectstream.schemas.messages import Observations

if TYPE_CHECKING:
    from affectstream.producers.playback import Control, Play, Playable
    from affectstream.producers.replay import Played, Send
    from affectstream.replay_recorded import AgainWord, Given, Wanted
    from affectstream.runtime.kafka import Publisher
    from affectstream.runtime.settings import KafkaSettings, Settings
    from affectstream.runtime.store import FusedStore
    from affectstream.schemas.messages import Party
    from affectstream.session_file import SessionArguments

app = typer.Typer()
out = Console()


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
    import asyncio

    from affectstream import replay_recorded as chosen
    from affectstream.console import print_warnings
    from affectstream.producers.pseudonym import pseudonym
    from affectstream.producers.runs import check_run
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments

    settings = load()
    session = session or (pseudonym(call_id, settings.gateway.session_key) if call_id else None)
    arguments = SessionArguments(
        inputs, party or (), channels, transcript, speaker or (), session, agent_purpose, offset or ()
    )
    print_warnings()
    check_run(run or "")
    begin_ms = chosen.begin_ms(start)
    span = chosen.Span(chosen.seconds(from_, "--from"), chosen.seconds(to, "--to"))
    often = chosen.Often(loops, copies, start_offset, id_suffix)
    if chosen.are_recordings(inputs):
        chosen.refuse_of_media(arguments)
        given = chosen.recordings(arguments, settings, results)
        snap = start == "now"
    elif results or start == "recorded":
        raise InputError("--results and --start recorded are for recordings (.mcap)")
    else:
        given, snap = [_planned(arguments, settings, begin_ms)], True
    chosen.check_one_run(given, often, run)
    chosen.require_analysed(given)
    start_ms = None if start == "recorded" else begin_ms
    wanted = chosen.Wanted(span, often, start_ms, snap)
    playing = asyncio.run(_claimed(given, wanted, settings, again.value, run))
    _play(playing, settings, speed)


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


async def _claimed(
    given: "Sequence[Given]", wanted: "Wanted", settings: "Settings", again: "AgainWord", run: str | None
) -> "list[list[Play]]":
    """Return what is played, under ids and runs that are claimed once the topics are known to be there."""
    from affectstream.replay_recorded import plays
    from affectstream.runtime.kafka import topics

    await topics.check(settings.kafka)
    return await plays(given, wanted, settings, again, run)


def _play(playing: "Sequence[Sequence[Play]]", settings: "Settings", speed: float | None) -> None:
    """Publish sessions under a bar, and print what was sent."""
    import asyncio

    from affectstream.console import keys
    from affectstream.producers.playback import Control, Player, beside
    from affectstream.replay_recorded import bar_of, press
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


async def published(
    stream: "Iterable[Playable]",
    kafka: "KafkaSettings",
    speed: float | None,
    progress: "Callable[[Playable], None] | None" = None,
    recognised: bool = False,
    asking: "Settings | None" = None,
    control: "Control | None" = None,
) -> "Played":
    """Play a session onto Kafka, never further ahead of the workers than the broker keeps.

    With ``recognised`` the recogniser is one of them; with ``asking`` the consent to it is asked for;
    ``control`` pauses it. Raises Unavailable at once where the topics are absent, PolicyError where consent
    was withdrawn.
    """
    from contextlib import AsyncExitStack

    from affectstream.producers.consent import guarded
    from affectstream.producers.replay import Send, play
    from affectstream.runtime.kafka import Publisher, topics
    from affectstream.runtime.kafka.lag import LagMeter
    from affectstream.runtime.kafka.publisher import DELIVERY_MS
    from affectstream.runtime.retry import retry_until_available
    from affectstream.schemas.topics import ASR_GROUP, CHUNKS, MEDIA, PROBABILITIES

    groups = {topic.name: [topic.group] for topic in (*MEDIA.values(), PROBABILITIES)}
    if recognised:
        groups[CHUNKS.name].append(ASR_GROUP)
    partitions = await topics.check(kafka)
    async with Publisher(kafka) as publisher, LagMeter(kafka) as meter, AsyncExitStack() as stack:
        send: Send = _sending(publisher, partitions)
        if asking:
            send = await stack.enter_async_context(guarded(send, asking))

        async def unread(topic: str) -> Mapping[int, int]:
            ask = [partial(meter.lag, topic, group) for group in groups[topic]]
            lags = [await retry_until_available(each, DELIVERY_MS / 1000) for each in ask]
            return {number: max(lag[number] for lag in lags) for number in lags[0]}

        return await play(iter(stream), send, speed, unread, progress, control=control)


def _sending(publisher: "Publisher", partitions: int) -> "Send":
    """Return what sends a message; observations go where the session's media go."""
    from affectstream.runtime.kafka import partition_of

    async def send(message: "Playable") -> "Awaitable[None]":
        if isinstance(message, Observations):
            partition = partition_of(message.items[0].session_id, partitions)
            return await publisher.send(message, partition=partition)
        return await publisher.send(message)

    return send


class Ends:
    """Until when each party of a session will have final windows."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._last_ms: dict[Party, int] = {}

    def note(self, message: "Playable") -> None:
        """Take note of a message that was sent."""
        for item in message.items if isinstance(message, Observations) else (message,):
            end_ms = -(-item.end_ms // self._window_ms) * self._window_ms
            self._last_ms[item.party] = max(end_ms, self._last_ms.get(item.party, 0))

    async def reached(self, store: "FusedStore", session_id: str) -> bool:
        """Return whether the last window of every party is in Redis."""
        session = await store.session(session_id)
        spans = session.parties if session else {}
        return bool(self._last_ms) and all(
            party in spans and spans[party].last_end_ms >= end_ms for party, end_ms in self._last_ms.items()
        )
