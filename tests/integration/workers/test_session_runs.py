"""Runs of a session on a real broker and Redis: sent again, into the past, at once, with a wrong clock."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest
from support.kafka_server import KafkaServer
from support.observations import ended, observed
from support.worker_process import fusing

from affectstream.processes import Child, Children
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import Publisher, Subscriber, topics
from affectstream.runtime.settings import Settings, as_env, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import decode
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import DeadLetter, FusedEmotion, Observation, Observations
from affectstream.schemas.topics import DEAD_LETTERS, FUSED

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEADLINE_S = 60
NUMBERS = count()
YEAR_2100_MS = 4_102_444_800_000


@dataclass
class Rig:
    """A session of a running fusion process: what is sent to it, and what has come of it."""

    settings: Settings
    session_id: str
    publisher: Publisher
    store: FusedStore
    letters: list[DeadLetter] = field(default_factory=list)
    runs: list[tuple[str, int]] = field(default_factory=list)  # of the finals on the topic

    async def send(self, items: list[Observation]) -> None:
        """Send one observation a record, in order."""
        for item in items:
            own = item.model_copy(update={"session_id": self.session_id})
            await self.publisher.send_many([Observations(items=(own,))], partition=0)

    async def claim(self, run: str, replace: bool = False) -> Runs | None:
        """Claim a run of the session."""
        return await self.store.claim_run(self.session_id, run, replace)

    async def windows(self) -> list[int]:
        """The starts of the windows that Redis holds."""
        return [window.start_ms for window in await self.store.finals(self.session_id, "customer")]

    async def until(self, expected: list[int]) -> None:
        """Wait until Redis holds exactly these windows."""
        deadline_s = time.monotonic() + DEADLINE_S
        while (found := await self.windows()) != expected:
            assert time.monotonic() < deadline_s, (found, [letter.reason for letter in self.letters])
            await asyncio.sleep(0.05)

    async def until_letters(self, count: int) -> list[str]:
        """Wait for so many dead letters; returns their reasons."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self.letters) < count:
                await asyncio.sleep(0.05)
        return [letter.reason for letter in self.letters]

    async def watch(self) -> None:
        """Collect the session's dead letters and the runs of its finals."""
        group = f"watcher-{self.session_id}"
        async with Subscriber(self.settings.kafka, [DEAD_LETTERS.name, FUSED.name], group) as reader:
            while True:
                for record in await reader.get(100, 200):
                    message = decode(record.value, 1 << 20)
                    if isinstance(message, DeadLetter) and self._is_own(message):
                        self.letters.append(message)
                    elif isinstance(message, FusedEmotion) and message.session_id == self.session_id:
                        self.runs.append((record.run, message.start_ms))

    def _is_own(self, letter: DeadLetter) -> bool:
        refused = decode(letter.body, 1 << 20)
        assert isinstance(refused, Observations)
        return refused.items[0].session_id == self.session_id


@pytest.fixture(scope="module")
def shared(
    kafka_server: KafkaServer, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The settings of one fusion process for all tests, each of which has a session of its own."""
    kafka = {"bootstrap": kafka_server.bootstrap, "topic_prefix": f"runs{os.getpid()}."}
    settings = load(kafka=kafka, redis={"url": f"{redis_server.url.removesuffix('/0')}/2"})
    asyncio.run(topics.create(settings.kafka, replication=1))
    fusion = Child("fusion", "affectstream.workers.fusion", as_env(settings))
    with Children([fusion], tmp_path_factory.mktemp("logs")):
        yield settings


@asynccontextmanager
async def rig(settings: Settings, session_id: str) -> AsyncIterator[Rig]:
    """A session of the fusion process that runs under the settings."""
    async with FusedStore(settings.redis) as store, Publisher(settings.kafka) as publisher:
        it = Rig(settings, session_id, publisher, store)
        watching = asyncio.create_task(it.watch())
        try:
            yield it
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


@pytest.fixture
async def it(shared: Settings) -> AsyncIterator[Rig]:
    """A session that no other test has."""
    async with rig(shared, f"call-{next(NUMBERS)}") as own:
        yield own


def said(start_ms: int, seconds: int, run: str = "", end: bool = True) -> list[Observation]:
    """A party's words, one utterance a second."""
    return list(_said(start_ms, seconds, run, end))


def _said(start_ms: int, seconds: int, run: str, end: bool) -> Iterator[Observation]:
    whose = {"expects": ("text",), "run": run}
    for seq in range(seconds):
        at_ms = start_ms + 1000 * seq
        yield observed("text", seq, at_ms, at_ms + 1000, watermark_ms=at_ms + 1000, **whose)
    if end:
        yield ended("text", seconds, start_ms + 1000 * seconds, **whose)


def starts(start_ms: int, seconds: int) -> list[int]:
    return list(range(start_ms, start_ms + 1000 * seconds, 1000))


async def test_a_call_sent_again_after_a_purge_is_there_again(it: Rig) -> None:
    for run in ("one", "two", "two"):  # another run, and the same one once more
        await it.claim(run)
        await it.send(said(0, 8, run))
        await it.until(starts(0, 8))
        assert (await it.store.runs_of([it.session_id]))[0].kept == run
        await it.store.purge(it.session_id)
        assert await it.windows() == []


async def test_a_second_run_that_nobody_claimed_is_dead_letters_and_the_first_stays(it: Rig) -> None:
    await it.send(said(10_000, 4, "one"))
    await it.until(starts(10_000, 4))
    await it.send(said(0, 4, "two"))
    assert await it.until_letters(5) == ["second_run"] * 5
    assert await it.windows() == starts(10_000, 4)


async def test_a_claimed_run_replaces_the_first_whatever_their_times(it: Rig) -> None:
    await it.send(said(10_000, 4, "one"))
    await it.until(starts(10_000, 4))
    assert await it.claim("two") is not None  # refused unless it is to replace
    assert await it.claim("two", replace=True) is None
    await it.send(said(0, 4, "two"))
    await it.until(starts(0, 4))
    await it.send(said(14_000, 2, "one"))  # what was still under way
    assert await it.until_letters(3) == ["superseded"] * 3
    assert await it.windows() == starts(0, 4)
    assert {run for run, start_ms in it.runs if start_ms < 10_000} == {"two"}
    assert {run for run, start_ms in it.runs if start_ms >= 10_000} == {"one"}


async def test_two_calls_under_one_id_at_once_do_not_become_parts_of_both(it: Rig) -> None:
    one, two = said(0, 8, "one"), said(500, 8, "two")
    mixed = [item for pair in zip(one, two, strict=True) for item in pair]
    await it.send(mixed)
    await it.until(starts(0, 8))
    assert await it.until_letters(len(two)) == ["second_run"] * len(two)


async def test_one_message_of_a_wrong_clock_is_set_aside_and_the_call_goes_on(it: Rig) -> None:
    call = said(1_000_000, 8)
    wrong = observed("text", 3, YEAR_2100_MS, expects=("text",))
    ahead = observed("text", 4, 1_000_000 + 3_600_000, expects=("text",))  # an hour: its neighbours show it
    await it.send([*call[:3], wrong, ahead, *call[3:]])
    await it.until(starts(1_000_000, 8))
    assert await it.until_letters(2) == ["implausible"] * 2


async def test_a_producer_that_restarts_in_the_past_is_late_and_not_a_duplicate(it: Rig) -> None:
    await it.send(said(100_000, 4, end=False))
    await it.until(starts(100_000, 4))
    await it.send(said(90_000, 3, end=False))
    assert await it.until_letters(3) == ["late"] * 3
    await it.send(said(100_000, 4, end=False)[1:])  # what a restarted worker sends twice
    await it.send(said(104_000, 2, end=False))
    await it.until(starts(100_000, 6))


async def test_a_killed_process_keeps_the_run_and_its_windows(broker_settings: Settings) -> None:
    async with fusing(broker_settings), rig(broker_settings, "call") as it:
        await it.send(said(10_000, 4, "one"))
        await it.until(starts(10_000, 4))
        await it.claim("two", replace=True)
        await it.send(said(0, 6, "two", end=False)[:3])
        await it.until(starts(0, 3))
    async with fusing(broker_settings), rig(broker_settings, "call") as it:  # the first one was killed
        await it.send(said(0, 6, "two")[3:])
        await it.until(starts(0, 6))
        await it.send(said(20_000, 2, "three"))
        async with asyncio.timeout(DEADLINE_S):
            while [letter.reason for letter in it.letters].count("second_run") < 3:
                await asyncio.sleep(0.05)
        assert await it.windows() == starts(0, 6)
