"""A live call with face, voice and words: from a window's end to its early and final pane, by stage.

The times of the topics are the broker's (LogAppendTime). The floor is the design's: when the last message
that a window needs is captured, were all processing free; a transcript comes at the end of its utterance.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from affectstream.processes import Children
from affectstream.producers.session import SessionMessage, due_ms, messages
from affectstream.replay import published
from affectstream.runtime.kafka import Subscriber, topics
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import decode
from affectstream.schemas.messages import MODALITIES, FusedEmotion, Observations
from affectstream.schemas.topics import FUSED, MEDIA, PROBABILITIES
from affectstream.up import START_S, processes
from benchmarks.measure import Row, percentile
from benchmarks.recording import demo
from benchmarks.servers import running
from benchmarks.workload import PARTITIONS

FPS = 30.0
SECONDS, FEW_SECONDS = 40, 10
WARM_UP = 3  # windows
LEAD_MS = 3000  # until the first frame, in which the monitor joins its group
GRACE_S = 5.0  # after the last message
POLL_S = 0.004
LIVE_BUDGET_MS = 500
AT_ONCE_MS = 100  # a floor below it: nobody is in the middle of an utterance
FAST = ("video", "audio")
NAME = "live"


@dataclass
class Seen:
    """When what was on a topic or in Redis, in ms since the epoch."""

    media: list[tuple[str, int, int]] = field(default_factory=list)  # modality, watermark, appended
    observed: list[tuple[str, int, int]] = field(default_factory=list)
    fused: dict[int, int] = field(default_factory=dict)  # by window end
    first_pane: dict[int, float] = field(default_factory=dict)
    final_pane: dict[int, float] = field(default_factory=dict)


def rows(settings: Settings, logs: Path, small: bool) -> Iterator[Row]:
    """Yield the latencies of one call on servers and workers of its own."""
    with running() as servers:
        own = settings.model_copy(
            update={
                "kafka": settings.kafka.model_copy(update={"bootstrap": servers.bootstrap}),
                "redis": settings.redis.model_copy(update={"url": servers.redis_url}),
                "video": settings.video.model_copy(update={"live_budget_ms": LIVE_BUDGET_MS}),
                "alerts": settings.alerts.model_copy(update={"enabled": False}),
            }
        )
        asyncio.run(topics.create(own.kafka, PARTITIONS, replication=1))
        with Children(processes(own), logs) as children:
            children.wait_ready(START_S)
            sent, seen = asyncio.run(call(own, FEW_SECONDS if small else SECONDS))
    yield from figures(sent, seen)


async def call(settings: Settings, seconds: int) -> tuple[list[SessionMessage], Seen]:
    """Play the customer's side of the demo call as it would happen, and watch it."""
    start_ms = (int(time.time() * 1000) + 10_000) // 1000 * 1000
    end_ms = start_ms + 1000 * seconds
    whole = (m for m in messages(demo(NAME, start_ms, FPS)) if m.party == "customer")
    sent = [m for m in whole if due_ms(m) < end_ms and m.type != "eos"]
    shift_ms = (int(time.time() * 1000) + LEAD_MS) // 1000 * 1000 - start_ms
    sent = [_moved(message, shift_ms) for message in sent]
    seen = Seen()
    async with FusedStore(settings.redis) as store:
        watching = [
            asyncio.create_task(watch_topics(settings, seen)),
            asyncio.create_task(watch_redis(store, seen)),
        ]
        await asyncio.sleep(due_ms(sent[0]) / 1000 - time.time())
        await published(iter(sent), settings.kafka, 1.0)
        await asyncio.sleep(GRACE_S)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    return sent, seen


def _moved(message: SessionMessage, ms: int) -> SessionMessage:
    times = {name: getattr(message, name) + ms for name in ("start_ms", "end_ms", "watermark_ms")}
    return message.model_copy(update=times)


async def watch_topics(settings: Settings, seen: Seen) -> None:
    """Note when the broker took each record, until cancelled."""
    watched = {topic.name: topic for topic in (*MEDIA.values(), PROBABILITIES, FUSED)}
    async with Subscriber(settings.kafka, list(watched), "bench-latency") as subscriber:
        while True:
            for record in await subscriber.get(1000, 50):
                message = decode(record.value, watched[record.topic].max_bytes)
                if isinstance(message, Observations):
                    for item in message.items:
                        seen.observed.append((item.modality, item.watermark_ms, record.timestamp_ms))
                elif isinstance(message, FusedEmotion):
                    seen.fused[message.end_ms] = record.timestamp_ms
                else:
                    assert hasattr(message, "watermark_ms")
                    seen.media.append((message.modality, message.watermark_ms, record.timestamp_ms))


async def watch_redis(store: FusedStore, seen: Seen) -> None:
    """Note when each pane was first to be had, until cancelled."""
    while True:
        pane = await store.latest(NAME, "customer")
        if pane is not None:
            now_ms = time.time() * 1000
            seen.first_pane.setdefault(pane.end_ms, now_ms)
            if pane.pane == "final":
                seen.final_pane.setdefault(pane.end_ms, now_ms)
        await asyncio.sleep(POLL_S)


def figures(sent: Sequence[SessionMessage], seen: Seen) -> Iterator[Row]:
    """Yield the rows of all windows that came to an end, the first ones left out."""
    captured = [(m.modality, m.watermark_ms, due_ms(m)) for m in sent]
    ends = sorted(end for end in seen.final_pane if end in seen.fused)[WARM_UP:]
    floor = {end: passed(captured, end, MODALITIES) for end in ends}
    early_floor = {end: passed(captured, end, FAST) for end in ends}
    taken = {end: passed(seen.media, end, MODALITIES) for end in ends}
    observed = {end: passed(seen.observed, end, MODALITIES) for end in ends}
    stages: tuple[tuple[str, Callable[[int], float]], ...] = (
        ("window's end to captured: the design's floor", lambda end: floor[end] - end),
        ("captured to on the topic", lambda end: taken[end] - floor[end]),
        ("on the topic to observed", lambda end: observed[end] - taken[end]),
        ("observed to fused", lambda end: seen.fused[end] - observed[end]),
        ("fused to in Redis", lambda end: seen.final_pane[end] - seen.fused[end]),
    )
    for what, stage in stages:
        yield Row(f"live, {what}", statistics.median(map(stage, ends)), "ms, median")
    early = [seen.first_pane[end] - end for end in ends]
    yield from percentiles("first pane", early, [early_floor[end] - end for end in ends])
    final = {end: seen.final_pane[end] - end for end in ends}
    yield from percentiles("final pane", list(final.values()), [floor[end] - end for end in ends])
    at_once = [end for end in ends if floor[end] - end < AT_ONCE_MS]
    yield from percentiles(
        "final pane, nobody in an utterance",
        [final[end] for end in at_once],
        [floor[end] - end for end in at_once],
    )


def percentiles(what: str, took: list[float], floor: list[float]) -> Iterator[Row]:
    """Yield p50 and p99 after the window's end, the floor beside each."""
    if not took:
        return
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        least = percentile(floor, share)
        value = percentile(took, share)
        yield Row(f"live, {what}, {name} (floor {least:.0f})", value, "ms after the window")


def passed(times: Iterable[tuple[str, int, int]], end_ms: int, modalities: Sequence[str]) -> float:
    """Return when the last of the modalities had come as far as a window's end; inf where one never did."""
    first = dict.fromkeys(modalities, float("inf"))
    for modality, watermark_ms, at_ms in times:
        if watermark_ms >= end_ms and modality in first:
            first[modality] = min(first[modality], at_ms)
    return max(first.values())
