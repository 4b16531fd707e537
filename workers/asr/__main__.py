"""The process of the recogniser: audio chunks of the parties whose words are wanted, to transcripts.

Records are read in the order of their partition, by one thread. What they lead to is published to the same
partition of the transcripts' topic and acknowledged; then the offset is committed from which a restart has to
read on, with the one that was reached beside it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial

import structlog

from affectstream.runtime import metrics, process
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.consent import Consents
from affectstream.runtime.health import Health
from affectstream.runtime.kafka import Publisher, Record, Subscriber, topics
from affectstream.runtime.process import Stop
from affectstream.runtime.settings import Settings, load
from affectstream.runtime.watchdog import Watchdog
from affectstream.schemas.codec import decoder
from affectstream.schemas.errors import MessageError
from affectstream.schemas.messages import AudioChunk, EndOfStream
from affectstream.schemas.policy import permits
from affectstream.schemas.topics import ASR_GROUP, CHUNKS
from affectstream.workers import device
from affectstream.workers.asr.listener import Listener, listeners
from affectstream.workers.asr.partitions import Answer, Partition

BATCH = 8  # records: what is heard of one before its words are published
POLL_MS = 100
STUCK_S = 60  # without a fetch for so long, the process is not ready

log = structlog.get_logger(__name__)


class Recognition:
    """The loop over the audio topic."""

    def __init__(
        self,
        new: Callable[[], Listener],
        settings: Settings,
        subscriber_of: Callable[[Callable[[Collection[tuple[str, int]]], None]], Subscriber],
        publisher: Publisher,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = wall_ms,
        consents: Consents | None = None,
    ) -> None:
        self._new, self._settings, self._publisher = new, settings, publisher
        self._clock, self._wall_ms, self._consents = clock, wall_ms, consents
        self._decode = decoder(CHUNKS.max_bytes, *CHUNKS.carries)
        self._partitions: defaultdict[int, Partition] = defaultdict(Partition)
        self._fetched_s = clock()
        self.subscriber = subscriber_of(self._revoked)

    def idle_s(self) -> float:
        """Return the seconds since the last answer of the broker to a fetch."""
        return self._clock() - self._fetched_s

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; what was fetched until then is published and committed."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "recogniser") as thread:
            while not stop.is_set():
                records = await self.subscriber.get(BATCH, POLL_MS)
                self._fetched_s = self._clock()
                metrics.INPUTS.labels("asr").inc(len(records))
                touched: dict[int, Partition] = {}
                acks: list[Awaitable[object]] = []
                for record in records:
                    partition = touched[record.partition] = self._partitions[record.partition]
                    partition.reached = record.offset + 1
                    message = self._read(record)
                    if message is None or not await self._may_be_heard(partition, message):
                        continue
                    answers = await loop.run_in_executor(
                        thread, partial(self._answers, partition, message, record.offset)
                    )
                    acks += await self._publish(record.partition, partition, answers)
                for number, partition in list(self._partitions.items()):
                    if partition.waits_in_vain(self._clock()):
                        touched[number] = partition
                        words = await loop.run_in_executor(thread, partition.give_up, self._clock())
                        acks += await self._publish(number, partition, words)
                await asyncio.gather(*acks)
                await self._commit(touched)

    def _read(self, record: Record) -> AudioChunk | EndOfStream | None:
        """Return the message of a record; what cannot be decoded is the audio worker's dead letter."""
        try:
            message = self._decode(record.value)
        except MessageError:
            return None
        heard = isinstance(message, AudioChunk | EndOfStream) and message.modality == "audio"
        return message if heard and isinstance(message, AudioChunk | EndOfStream) else None

    async def _may_be_heard(self, partition: Partition, message: AudioChunk | EndOfStream) -> bool:
        """Say whether a session may be processed; what waits of one that may not is dropped."""
        if self._consents is None:
            return True
        await self._consents.learn([message.session_id])
        if self._consents.refuses(message.session_id):
            partition.forget(message.session_id)
            return False
        return True

    def _listens(self, message: AudioChunk | EndOfStream) -> bool:
        withheld = isinstance(message, AudioChunk) and (
            self._consents.withholds(message) if self._consents else message.withheld
        )
        permitted = permits(message.party, self._settings.policy.agent_purpose)
        return permitted and not withheld and not self._stale(message)

    def _answers(self, partition: Partition, message: AudioChunk | EndOfStream, offset: int) -> list[Answer]:
        """Return what a message leads to."""
        started_s = time.monotonic()
        found = partition.answers(message, offset, self._new, self._listens(message), self._clock())
        metrics.INFERENCE_SECONDS.labels("asr").observe(time.monotonic() - started_s)
        return found

    def _stale(self, message: AudioChunk | EndOfStream) -> bool:
        budget_ms = self._settings.asr.live_budget_ms
        return budget_ms is not None and self._wall_ms() - message.end_ms > budget_ms

    async def _publish(
        self, number: int, partition: Partition, answers: list[Answer]
    ) -> list[Awaitable[object]]:
        """Send what a partition led to, unless it was taken away meanwhile: whoever has it reads it again."""
        if self._partitions.get(number) is not partition:
            return []
        return [await self._publisher.send(answer, partition=number) for answer in answers]

    async def _commit(self, touched: dict[int, Partition]) -> None:
        held = {number: each for number, each in touched.items() if self._partitions.get(number) is each}
        if held:
            await self.subscriber.commit(
                {(CHUNKS.name, number): each.commit for number, each in held.items()},
                {(CHUNKS.name, number): each.reached for number, each in held.items()},
            )

    def _revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        for _, number in partitions:
            self._partitions.pop(number, None)


async def serve(new: Callable[[], Listener], settings: Settings, stop: Stop) -> None:
    """Recognise words until ``stop``; raises Unavailable where the broker or the device fails."""
    own = settings.asr
    async with AsyncExitStack() as stack:
        await topics.check(settings.kafka)
        publisher = await stack.enter_async_context(Publisher(settings.kafka))
        consents = await stack.enter_async_context(Consents(settings.redis, settings.policy, stopping=stop))
        subscribing = partial(Subscriber, settings.kafka, [CHUNKS.name], ASR_GROUP)
        loop = Recognition(new, settings, subscribing, publisher, consents=consents)
        subscriber = await stack.enter_async_context(loop.subscriber)
        checks = {
            "partitions": lambda: bool(subscriber.assigned()),
            "fetching": lambda: loop.idle_s() < STUCK_S,
        }
        await stack.enter_async_context(Health(own.health_port, checks, own.health_host))
        watchdog = Watchdog(settings.kafka, [CHUNKS.name], ASR_GROUP, subscriber.held)
        await stack.enter_async_context(watchdog)
        await loop.run(stop)


def main() -> None:
    """Run the process."""

    async def recognise(stop: Stop) -> None:
        settings = load()
        device.limit_threads(settings.asr.threads)
        await serve(listeners(settings), settings, stop)

    process.run(recognise, worker="asr")


if __name__ == "__main__":
    main()
