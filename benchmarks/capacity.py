"""The unit costs of `affectstream capacity` that no other section measures: sizes, and a broker's writing."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

from redis import Redis

from affectstream.analyze import finals
from affectstream.producers.session import SessionMessage, messages
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.settings import RedisSettings, Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import Message, encode
from affectstream.schemas.messages import FusedEmotion, Observations
from affectstream.schemas.topics import CHUNKS
from benchmarks.measure import Row
from benchmarks.recording import demo
from benchmarks.servers import preload, running
from benchmarks.workload import PARTITIONS, session

COPIES = 20  # of the demo call in Redis
CHUNK_BYTES = 63_600
MEGABYTES = 300  # written to the broker


def rows(settings: Settings, small: bool) -> Iterator[Row]:
    """Yield the bytes of each kind of message, on Kafka and in Redis, and the rate of a broker's core."""
    sent = list(messages(demo("bench")))
    yield from sizes(sent)
    fused = list(finals(sent, settings))
    yield Row("a final window", _mean(fused), "bytes")
    yield Row("a final window in Redis", in_redis(fused, 2 if small else COPIES), "bytes of memory")
    yield Row("a broker, chunks, acks=all", broker(10 if small else MEGABYTES), "MB/s a core")


def sizes(sent: Sequence[SessionMessage]) -> Iterator[Row]:
    """Yield the mean sizes of the messages of a call."""
    by_modality: dict[str, list[Message]] = defaultdict(list)
    for message in sent:
        if message.type != "eos":
            by_modality[message.modality].append(message)
    names = {"video": "a frame", "audio": "a chunk", "text": "a transcript or progress"}
    for modality, name in names.items():
        yield Row(name, _mean(by_modality[modality]), "bytes")
    alone = [Observations(items=(item,)) for item in session("one")]
    yield Row("an observation alone in its record", _mean(alone), "bytes")


def _mean(found: Sequence[Message]) -> float:
    return sum(len(encode(message)) for message in found) / len(found)


def in_redis(fused: Sequence[FusedEmotion], copies: int) -> float:
    """Return the memory of a final window, where a call's windows are written under many names."""
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:

        async def write() -> None:
            async with FusedStore(RedisSettings(url=server.url)) as store:
                for number in range(copies):
                    await store.write([f.model_copy(update={"session_id": f"call-{number}"}) for f in fused])

        before = client.info("memory")["used_memory"]
        asyncio.run(write())
        used = client.info("memory")["used_memory"] - before
    return float(used / copies / len(fused))


def broker(megabytes: int) -> float:
    """Return how many megabytes a core of a broker takes in a second of processor time, one copy."""
    count = megabytes * 1_000_000 // CHUNK_BYTES
    value = bytes(range(256)) * (CHUNK_BYTES // 256)
    log = [(number % PARTITIONS, b"session", value) for number in range(count)]
    with running() as servers:
        preload(servers.bootstrap, log[:PARTITIONS], CHUNKS.name)  # the code is compiled by then
        before = servers.cpu_s("broker")
        preload(servers.bootstrap, log, CHUNKS.name)
        took_s = servers.cpu_s("broker") - before
    return count * len(value) / 1e6 / took_s
