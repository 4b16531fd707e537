"""A live call with face, voice and words: from a window's end to its early and final pane, by stage.

The times of the topics are the broker's (LogAppendTime). The floor is the design's: when the last message
that a window needs is captured, were all processing free; a transcript comes at the end of its utterance.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from affectstream.processes import Children
from affectstream.producers.session import SessionMessage, due_ms, messages
from affectstream.publish import published
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
SECONDS, FEW_SECONDS = 55, 10
TIMES = 4  # that they are played: a p99 of fewer than a hundred windows is that of the slowest one
WARM_UP = 3  # windows
LEAD_MS = 3000  # until the first frame, in which the monitor joins its group
GRACE_S = 5.0  # after the last message
POLL_S = 0.004
LIVE_BUDGET_MS = 500
AIM_MS = 500  # of a final pane
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
        video = settings.video.model_copy(update={"live_budget_ms": LIVE_BUDGET_MS})
        own = servers.settings(settings).model_copy(update={"video": video})
        asyncio.run(topics.create(own.kafka, PARTITIONS, replication=1))
        with Children(processes(own), logs) as children:
            children.wait_ready(START_S)
            sent, seen = asyncio.run(call(own, recorded(*((FEW_SECONDS, 2) if small else (SECONDS, TIMES)))))
    yield from figures(windows(sent, seen))


def recorded(seconds: int, times: int) -> list[SessionMessage]:
    """Return the customer's side of the demo call so many times over, from a whole second on."""
    start_ms = int(time.time()) * 1000
    end_ms = start_ms + 1000 * seconds
    whole = (m for m in messages(demo(NAME, start_ms, FPS)) if m.party == "customer")
    once = [m for m in whole if m.start_ms < end_ms >= due_ms(m) and m.type != "eos"]
    counts = Counter(m.modality for m in once)
    return [_moved(m, 1000 * seconds * n, n * counts[m.modality]) for n in range(times) for m in once]


async def call(settings: Settings, recorded: Sequence[SessionMessage]) -> tuple[list[SessionMessage], Seen]:
    """Play a recorded side of a call as it would happen, and watch it."""
    shift_ms = (int(time.time() * 1000) + LEAD_MS - recorded[0].start_ms) // 1000 * 1000
    sent = [_moved(message, shift_ms) for message in recorded]
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


def _moved(message: SessionMessage, ms: int, by: int = 0) -> SessionMessage:
    times = {name: getattr(message, name) + ms for name in ("start_ms", "end_ms", "watermark_ms")}
    return message.model_copy(update={"seq": message.seq + by, **times})


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


@dataclass(frozen=True)
class Window:
    """When what a window waits for had come, in ms since the epoch; its floor is the design's."""

    end_ms: int
    early_floor: float
    floor: float
    taken: float  # on the topics of media
    observed: float
    fused: float
    first_pane: float
    final_pane: float


def windows(sent: Sequence[SessionMessage], seen: Seen) -> list[Window]:
    """Return the windows of a call that came to an end, the first ones left out."""
    captured = [(m.modality, m.watermark_ms, due_ms(m)) for m in sent]
    return [
        Window(
            end,
            passed(captured, end, FAST),
            passed(captured, end, MODALITIES),
            passed(seen.media, end, MODALITIES),
            passed(seen.observed, end, MODALITIES),
            seen.fused[end],
            seen.first_pane[end],
            seen.final_pane[end],
        )
        for end in sorted(end for end in seen.final_pane if end in seen.fused)[WARM_UP:]
    ]


def figures(windows: Sequence[Window]) -> Iterator[Row]:
    """Yield the medians of the stages, and the latencies of the panes."""
    stages: tuple[tuple[str, Callable[[Window], float]], ...] = (
        ("window's end to captured: the design's floor", lambda w: w.floor - w.end_ms),
        ("captured to on the topic", lambda w: w.taken - w.floor),
        ("on the topic to observed", lambda w: w.observed - w.taken),
        ("observed to fused", lambda w: w.fused - w.observed),
        ("fused to in Redis", lambda w: w.final_pane - w.fused),
    )
    for what, stage in stages:
        yield Row(f"live, {what}", statistics.median(map(stage, windows)), "ms, median")
    early = [w.first_pane - w.end_ms for w in windows]
    yield from percentiles("first pane", early, [w.early_floor - w.end_ms for w in windows])
    at_once = [w for w in windows if w.floor - w.end_ms < AT_ONCE_MS]
    for what, some in (("final pane", windows), ("final pane, nobody in an utterance", at_once)):
        floors = [w.floor - w.end_ms for w in some]
        yield from percentiles(what, [w.final_pane - w.end_ms for w in some], floors)
    if at_once:
        slow = sum(w.final_pane - w.end_ms > AIM_MS for w in at_once)
        yield Row(f"live, windows of these slower than {AIM_MS} ms", slow, f"of {len(at_once)}")
        slowest = max(at_once, key=lambda w: w.final_pane - w.end_ms)
        for what, stage in stages:
            yield Row(f"live, the slowest of these: {what}", stage(slowest), "ms")


def percentiles(what: str, took: list[float], floor: list[float]) -> Iterator[Row]:
    """Yield p50 and p99 after the window's end, the floor beside each."""
    if not took:
        return
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        least = percentile(floor, share)
        value = percentile(took, share)
        where = f"{name} of {len(took)} windows (floor {least:.0f})"
        yield Row(f"live, {what}, {where}", value, "ms after the window")


def passed(times: Iterable[tuple[str, int, int]], end_ms: int, modalities: Sequence[str]) -> float:
    """Return when the last of the modalities had come as far as a window's end; inf where one never did."""
    first = dict.fromkeys(modalities, float("inf"))
    for modality, watermark_ms, at_ms in times:
        if watermark_ms >= end_ms and modality in first:
            first[modality] = min(first[modality], at_ms)
    return max(first.values())
