"""A whole system on a real Kafka and a real Redis, and the run without a broker that it is compared with."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

from support.paths import ROOT

from affectstream.analytics import lines as written
from affectstream.analytics.label import Display
from affectstream.analyze import finals
from affectstream.export import in_order
from affectstream.processes import Child, Children
from affectstream.producers.plan import SessionPlan
from affectstream.producers.session import SessionMessage, messages
from affectstream.publish import Ends, published
from affectstream.runtime.settings import ProducerSettings, Settings, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import EndOfStream, FusedEmotion
from affectstream.session_file import SessionArguments, plan
from affectstream.up import processes

DEMO = ROOT / "affectstream" / "demo_call" / "session.json"
START_MS = 1_700_000_000_000
READY_S = 240.0
_NAME = "the-demo-call"
STALL_MS = 120_000  # a stall is a matter of the clock: on a busy machine a slow start must not look like one


def demo_plan(session_id: str) -> SessionPlan:
    """The demo call: customer with picture, sound and words, agent with sound and words."""
    return plan(SessionArguments([DEMO], session=session_id), ProducerSettings(), START_MS, None)


def shortened(stream: Iterable[SessionMessage], until_ms: int) -> Iterator[SessionMessage]:
    """The messages that end by a time, and then the end of every stream."""
    last: dict[tuple[str, str], SessionMessage] = {}
    for message in stream:
        over = message.end_ms > until_ms or message.start_ms >= until_ms
        if over or isinstance(message, EndOfStream):
            continue
        last[message.party, message.modality] = message
        yield message
    for message in last.values():
        at = {"start_ms": until_ms, "end_ms": until_ms, "watermark_ms": until_ms}
        yield EndOfStream(**message.envelope() | at | {"seq": message.seq + 1})


def short_demo(session_id: str, seconds: int) -> list[SessionMessage]:
    """The first seconds of the demo call."""
    cut = list(shortened(messages(demo_plan(session_id)), START_MS + seconds * 1000))
    assert {(m.party, m.modality) for m in cut} == {
        ("customer", "video"),
        ("customer", "audio"),
        ("customer", "text"),
        ("agent", "audio"),
        ("agent", "text"),
    }
    return cut


def lines(windows: Iterable[FusedEmotion]) -> list[str]:
    """Windows as the bytes that users are handed."""
    return list(written.lines(in_order(windows), Display()))


@dataclass
class System:
    """Workers and fusion as processes of their own."""

    settings: Settings
    children: Children
    hand: ThreadPoolExecutor  # lives as long as the system: a process dies with the thread that started it

    async def run(
        self,
        stream: Iterable[SessionMessage],
        speed: float | None,
        meanwhile: Callable[[], object] | None = None,
        patience_s: float = 240.0,
    ) -> list[FusedEmotion]:
        """Play a session, do something meanwhile in a thread, and return its finals when all are there."""
        sent = list(stream)
        ends = Ends(self.settings.fusion.window_ms)
        for message in sent:
            ends.note(message)
        async with FusedStore(self.settings.redis) as store, asyncio.TaskGroup() as group:
            group.create_task(self.play(sent, speed))
            disturbed = meanwhile and asyncio.get_running_loop().run_in_executor(self.hand, meanwhile)
            deadline = time.monotonic() + patience_s
            while not await self._reached(ends, store, sent[0].session_id):
                assert time.monotonic() < deadline, self.complaint()
                await asyncio.sleep(0.1)
            if disturbed:
                await disturbed
        return await self.finals(sent[0].session_id)

    async def _reached(self, ends: Ends, store: FusedStore, session_id: str) -> bool:
        with suppress(Unavailable):  # a Redis that is down, because the test would have it so
            return await ends.reached(store, session_id)
        return False

    async def play(self, stream: Iterable[SessionMessage], speed: float | None) -> None:
        """Send a session as `affectstream replay` does."""
        await published(stream, self.settings.kafka, speed)

    async def finals(self, session_id: str) -> list[FusedEmotion]:
        """Everything final that Redis holds of a session."""
        async with FusedStore(self.settings.redis) as store:
            session = await store.session(session_id)
            assert session is not None
            return in_order([w for party in session.parties for w in await store.finals(session_id, party)])

    def complaint(self) -> str:
        """What the processes last said, for a failure."""
        return "\n".join(f"--- {name}\n{self.children.last_words(name)}" for name in self.children.children)


@contextmanager
def running(
    settings: Settings, workers: int, logs: Path, changed: Callable[[Child], Child] = lambda child: child
) -> Iterator[System]:
    """Start a system with so many workers per modality under the settings, and wait until it is ready.

    ``changed`` gives a process other settings than those of the test.
    """
    patient = settings.fusion.model_copy(update={"stall_ms": STALL_MS})
    allowed = settings.permitting("synthetic").model_copy(update={"fusion": patient})
    started = [changed(child) for child in processes(allowed, workers)]
    with Children(started, logs) as children, ThreadPoolExecutor(1) as hand:
        children.wait_ready(READY_S)
        yield System(allowed, children, hand)


def analysed(stream: Iterable[SessionMessage], settings: Settings) -> list[FusedEmotion]:
    """The finals of the run without a broker."""
    return in_order(finals(stream, settings))


@cache
def _analysed_demo(seconds: int) -> tuple[str, ...]:
    return tuple(lines(analysed(short_demo(_NAME, seconds), load().permitting("synthetic"))))


def expected_lines(session_id: str, seconds: int) -> list[str]:
    """The lines of `analyze` for the first seconds of the demo call, computed once for all session ids."""
    return [line.replace(f'"{_NAME}"', f'"{session_id}"') for line in _analysed_demo(seconds)]


def without_holes(windows: Iterable[FusedEmotion]) -> bool:
    """Say whether every party's windows follow each other without a gap."""
    by_party = groupby(sorted(windows, key=lambda w: (w.party, w.end_ms)), key=lambda w: w.party)
    for _, its in by_party:
        row = list(its)
        if any(a.end_ms != b.start_ms for a, b in pairwise(row)):
            return False
    return True
