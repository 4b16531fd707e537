"""Live producers: the session they send for, a monotonic wall clock, common options, publishing."""

import argparse
import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import structlog

from affectstream.producers.consent import guarded
from affectstream.producers.plan import check_session_id
from affectstream.producers.replay import play
from affectstream.producers.runs import Again, check_run, sending
from affectstream.producers.session import SessionMessage
from affectstream.producers.session_ids import pseudonym
from affectstream.runtime.clocks import monotonic_ms
from affectstream.runtime.kafka import Publisher, topics
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas import policy
from affectstream.schemas.errors import InputError, Unavailable
from affectstream.schemas.messages import MODALITIES, PARTIES, EndOfStream, Modality, Party

JUMP_MS = 5_000  # ahead of the time that has passed: the clock was set

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LivePlan:
    """The session and party; ``expects`` names all modalities of the party, from other processes too."""

    session_id: str
    party: Party
    expects: tuple[Modality, ...]
    agent_purpose: str | None = None
    run: str = ""  # of the session; empty: its current one, which a restarted process goes on with
    transcribe: bool = False  # its words come from the recogniser
    again: Again = "refuse"  # what to do where the session has another run

    def check(self, modality: Modality) -> None:
        """Raise PolicyError or InputError where this process may not send ``modality`` for the party."""
        check_session_id(self.session_id)
        check_run(self.run)
        policy.require(self.party, self.agent_purpose)
        if modality not in self.expects:
            raise InputError(f"--expects must name {modality}, which this process sends")

    def end(self, modality: Modality, seq: int, at_ms: int) -> EndOfStream:
        """Return the end of the stream of ``modality``."""
        base = self.base()
        return EndOfStream(
            **base, modality=modality, seq=seq, start_ms=at_ms, end_ms=at_ms, watermark_ms=at_ms
        )

    def base(self) -> dict[str, Any]:
        """Return the fields that all messages of the party share."""
        return {
            "session_id": self.session_id,
            "run": self.run,
            "party": self.party,
            "expects": self.expects,
        }


class MonotonicWallClock:
    """Wall clock in ms since the epoch that never goes back and does not jump: it goes on from where it was.

    A call lives by the time at which it began: set forward by an hour, it would have an hour without windows.
    """

    def __init__(self, now_ms: Callable[[], int], elapsed_ms: Callable[[], int] = monotonic_ms) -> None:
        self._now_ms, self._elapsed_ms = now_ms, elapsed_ms
        self._shift_ms, self._last_ms, self._then_ms = 0, -1, 0

    def __call__(self) -> int:
        """Return the time in milliseconds since the epoch."""
        at_ms, then_ms = self._now_ms() + self._shift_ms, self._elapsed_ms()
        if self._last_ms >= 0:
            due_ms = self._last_ms + max(0, then_ms - self._then_ms)
            goes_on_ms = due_ms if at_ms > due_ms + JUMP_MS else max(at_ms, self._last_ms)
            self._shift_ms += goes_on_ms - at_ms
            at_ms = goes_on_ms
        self._last_ms, self._then_ms = at_ms, then_ms
        return at_ms


def parser(doc: str, modality: Modality) -> argparse.ArgumentParser:
    """Return the options that every live producer has."""
    parser = argparse.ArgumentParser(description=doc, fromfile_prefix_chars="@")
    named = parser.add_mutually_exclusive_group(required=True)
    named.add_argument("--session", help="session id")
    named.add_argument(
        "--call-id", help="your platform's id of the call: the session id is a hash under gateway.session_key"
    )
    parser.add_argument("--party", choices=PARTIES, default="customer")
    parser.add_argument(
        "--expects",
        default=modality,
        help="all modalities that the party sends, with those of other processes: video,audio",
    )
    parser.add_argument(
        "--run", default="", help="begin another run of the session, by this name; default: go on with it"
    )
    parser.add_argument(
        "--again",
        choices=("refuse", "replace"),
        default="refuse",
        help="what a --run does where the session has another",
    )
    return parser


def plan(options: argparse.Namespace, settings: Settings, modality: Modality) -> LivePlan:
    """Return the plan that the options and the settings describe; raises PolicyError or InputError."""
    named = {name.strip() for name in options.expects.split(",")}
    if unknown := named - set(MODALITIES):
        raise InputError(
            f"--expects: {', '.join(sorted(unknown))} unknown; it may name {', '.join(MODALITIES)}"
        )
    recognised = settings.asr.enabled and "audio" in named and "text" not in named
    expects = tuple(m for m in MODALITIES if m in named or (m == "text" and recognised))
    purpose = settings.policy.agent_purpose
    session = options.session or pseudonym(options.call_id, settings.gateway.session_key)
    described = LivePlan(session, options.party, expects, purpose, options.run, recognised, options.again)
    described.check(modality)
    return described


async def publish(
    stream: Callable[[threading.Event], Iterator[SessionMessage]],
    settings: Settings,
    stop: Stop,
    live: LivePlan,
    modality: Modality,
) -> None:
    """Publish a live stream until it ends or ``stop`` is set, with its EndOfStream as the last message.

    Raises Unavailable at once where the topics are absent, InputError where the session is not to be sent.
    """
    await topics.check(settings.kafka)
    halted = threading.Event()
    async with AsyncExitStack() as stack:
        await _permitted(stack, settings, live, modality)
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _: halted.set())
        try:
            async with guarded(publisher.send, settings) as send:
                await play(stream(halted), send, None)
        finally:
            stopped.cancel()


async def _permitted(stack: AsyncExitStack, settings: Settings, live: LivePlan, modality: Modality) -> None:
    """Ask Redis, where there is one, whether this process may send; it may until ``stack`` is closed."""
    try:
        store = await stack.enter_async_context(FusedStore(settings.redis))
    except Unavailable as error:
        log.warning("session_not_checked", why=str(error))
        return
    await stack.enter_async_context(
        sending(store, live.session_id, live.party, modality, live.run, live.again)
    )
