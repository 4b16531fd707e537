"""The command `replay`: a recorded session onto Kafka."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from affectstream.options import (
    CallId,
    Channels,
    Inputs,
    Offsets,
    PartyFiles,
    Purpose,
    SessionName,
    Speakers,
    TranscriptFile,
)
from affectstream.schemas.errors import InputError, Unavailable

if TYPE_CHECKING:
    from affectstream.producers.plan import SessionPlan
    from affectstream.producers.replay import Played
    from affectstream.producers.session import SessionMessage
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


MOST_DIGITS = 30  # of a time; what it means is judged later
DAY_MS = 86_400_000


Speed = Annotated[
    float | None, typer.Option(min=0.01, help="times real time; default: as fast as it is consumed")
]
Start = Annotated[str, typer.Option(help="event time of the start: now, or ms since the epoch")]
SentBefore = Annotated[
    Again, typer.Option(help="where the session was sent before: refuse, replace it, or send it apart")
]
RunId = Annotated[
    str | None, typer.Option(help="id of this run of the session; default: drawn", show_default=False)
]


@app.command()
def replay(
    inputs: Inputs,
    speed: Speed = None,
    start: Start = "now",
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

    from affectstream.console import print_warnings
    from affectstream.producers.pseudonym import pseudonym
    from affectstream.producers.runs import check_run, new_run
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments

    settings = load()
    session = session or (pseudonym(call_id, settings.gateway.session_key) if call_id else None)
    arguments = SessionArguments(
        inputs, party or (), channels, transcript, speaker or (), session, agent_purpose, offset or ()
    )
    print_warnings()
    check_run(run or "")
    played, estimated_s = _planned(arguments, settings, _start_ms(start))
    played = asyncio.run(_claimed(played, settings, run or new_run(), again.value))
    _play(played, settings, speed, estimated_s)


def _planned(
    arguments: "SessionArguments", settings: "Settings", start_ms: int
) -> "tuple[SessionPlan, float]":
    """Return the plan and about how many seconds it has: what is wrong with the files claims no run."""
    from affectstream.producers.session import estimated_ms
    from affectstream.recordings import note_reading
    from affectstream.session_file import plan

    policy = settings.policy
    played = plan(arguments, settings.producer, start_ms, policy.agent_purpose, policy.redact)
    played = replace(played, transcribe=settings.asr.enabled)
    _require_analysed(played)
    note_reading(played, policy)
    return played, estimated_ms(played) / 1000


def _play(played: "SessionPlan", settings: "Settings", speed: float | None, estimated_s: float) -> None:
    """Publish a session under a bar, and print what was sent."""
    import asyncio

    from affectstream.producers.session import messages
    from affectstream.tables import progress_bar

    with progress_bar("replaying", out) as bar:
        task = bar.add_task(played.session_id, total=estimated_s)

        def progress(message: "SessionMessage") -> None:
            bar.update(task, completed=(message.end_ms - played.start_ms) / 1000)

        playing = published(messages(played), settings.kafka, speed, progress, settings.asr.enabled, settings)
        sent = asyncio.run(playing)
    out.print(
        f"session {played.session_id}, run {played.run}: {sent.records} messages, "
        f"{sent.payload_bytes / 1e6:.1f} MB of media"
    )


async def published(
    stream: "Iterable[SessionMessage]",
    kafka: "KafkaSettings",
    speed: float | None,
    progress: "Callable[[SessionMessage], None] | None" = None,
    recognised: bool = False,
    asking: "Settings | None" = None,
) -> "Played":
    """Play a session onto Kafka, never further ahead of the workers than the broker keeps.

    With ``recognised`` the recogniser is one of them; with ``asking`` the consent to it is asked for. Raises
    Unavailable at once where the topics are absent, PolicyError where consent was withdrawn.
    """
    from contextlib import AsyncExitStack

    from affectstream.producers.consent import guarded
    from affectstream.producers.replay import Send, play
    from affectstream.runtime.kafka import Publisher, topics
    from affectstream.runtime.kafka.lag import LagMeter
    from affectstream.runtime.kafka.publisher import DELIVERY_MS
    from affectstream.runtime.retry import retry_until_available
    from affectstream.schemas.topics import ASR_GROUP, CHUNKS, MEDIA

    groups = {topic.name: [topic.group] for topic in MEDIA.values()}
    if recognised:
        groups[CHUNKS.name].append(ASR_GROUP)
    await topics.check(kafka)
    async with Publisher(kafka) as publisher, LagMeter(kafka) as meter, AsyncExitStack() as stack:
        send: Send = publisher.send
        if asking:
            send = await stack.enter_async_context(guarded(send, asking))

        async def unread(topic: str) -> Mapping[int, int]:
            ask = [partial(meter.lag, topic, group) for group in groups[topic]]
            lags = [await retry_until_available(each, DELIVERY_MS / 1000) for each in ask]
            return {number: max(lag[number] for lag in lags) for number in lags[0]}

        return await play(iter(stream), send, speed, unread, progress)


async def _claimed(
    session: "SessionPlan", settings: "Settings", run: str, again: 'Literal["refuse", "replace", "apart"]'
) -> "SessionPlan":
    """Return the session under a run that is claimed, and another id where it is sent apart."""
    from affectstream.producers.runs import claimed
    from affectstream.runtime.kafka import topics

    await topics.check(settings.kafka)
    session_id = session.session_id
    try:
        session_id = await claimed(settings.redis, session_id, run, again)
    except Unavailable as error:
        Console(stderr=True).print(
            f"warning: whether session {session_id} was sent before is not known: {error}", markup=False
        )
    return replace(session, session_id=session_id, run=run)


def _require_analysed(session: "SessionPlan") -> None:
    """Refuse an agent whom the `affectstream up` that this goes to does not analyse."""
    from affectstream.runtime.settings import local, running_here
    from affectstream.schemas.policy import permits

    here = local.running() if running_here() else None
    if here and any(not permits(given.party, here.get("agent_purpose")) for given in session.parties):
        raise InputError(
            "the running `affectstream up` does not analyse the agent party: "
            f"start it with `affectstream up --agent-purpose {session.agent_purpose or 'PURPOSE'}`"
        )


class Ends:
    """Until when each party of a session will have final windows."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._last_ms: dict[Party, int] = {}

    def note(self, message: "SessionMessage") -> None:
        """Take note of a message that was sent."""
        end_ms = -(-message.end_ms // self._window_ms) * self._window_ms
        self._last_ms[message.party] = max(end_ms, self._last_ms.get(message.party, 0))

    async def reached(self, store: "FusedStore", session_id: str) -> bool:
        """Return whether the last window of every party is in Redis."""
        session = await store.session(session_id)
        spans = session.parties if session else {}
        return bool(self._last_ms) and all(
            party in spans and spans[party].last_end_ms >= end_ms for party, end_ms in self._last_ms.items()
        )


def _start_ms(start: str) -> int:
    from affectstream.session_file import LATEST_START_MS

    if start == "now":
        return int(time.time() * 1000)
    if start.isascii() and start.isdigit() and len(start) <= MOST_DIGITS:
        if time.time() * 1000 + DAY_MS < int(start) < LATEST_START_MS:  # beyond, it is the unit that is wrong
            raise InputError(f"--start {start}: lies in the future; it is in milliseconds since the epoch")
        return int(start)
    raise InputError(f"--start {start}: `now`, or milliseconds since the epoch as a whole number")
