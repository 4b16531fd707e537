"""How fast observations are joined, in the pure core and through the fusion agent."""

import asyncio
import time
from collections.abc import Iterator

from affectstream.runtime.kafka import Publisher
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Observation, Observations, Probabilities
from affectstream.schemas.observations import record
from affectstream.workers.fusion.config import configured
from benchmarks.measure import Row, compare

SESSIONS = 20
SECONDS = 60
STEP = 3000  # observations that are joined before the windows that they close are fused
P = tuple([0.4] + [0.1] * (N_EMOTIONS - 1))
PER_SECOND = {"video": 5, "audio": 1, "text": 1}


def session(name: str, start_ms: int, seconds: int) -> Iterator[Observation]:
    """Yield the observations of a party with all three modalities, by time."""
    seq = dict.fromkeys(MODALITIES, 0)
    for second in range(seconds):
        for modality in MODALITIES:
            for k in range(PER_SECOND[modality]):
                at_ms = start_ms + second * 1000 + k * 1000 // PER_SECOND[modality]
                end_ms = at_ms if modality == "video" else at_ms + 1000
                yield Probabilities(
                    session_id=name,
                    party="customer",
                    modality=modality,
                    seq=seq[modality],
                    start_ms=at_ms,
                    end_ms=end_ms,
                    watermark_ms=max(end_ms, at_ms + 1),
                    expects=MODALITIES,
                    p=P,
                    quality=0.5,
                    model_id="bench/1",
                )
                seq[modality] += 1


def pure(settings: Settings) -> Row:
    """Return the rate of the pure join, against one that only counts per window and modality."""
    sessions = [[record(o) for o in session(f"s{i}", 0, SECONDS)] for i in range(SESSIONS)]
    items = [item for at_once in zip(*sessions, strict=True) for item in at_once]
    fusion = configured(settings.fusion)

    def join() -> int:
        joined = fusion.join()
        for start in range(0, len(items), STEP):
            joined.add(start, items[start : start + STEP])
            effects = joined.take_effects()
            fusion.fuser.fuse(effects.finals, "final")
            fusion.fuser.fuse(effects.early, "early")
        return len(items)

    def count() -> int:
        windows: dict[tuple[str, int, str], int] = {}
        for item in items:
            key = item.session_id, item.start_ms // 1000, item.modality
            windows[key] = windows.get(key, 0) + 1
        return len(items)

    return compare("join and fuse, pure core", "observations/s", join, "counting per window", count)


async def agent(settings: Settings, per_record: int) -> Row:
    """Return the rate of the fusion agent, from the first record on Kafka to the last final in Redis."""
    records = list(_records(f"r{per_record}", per_record))
    total = sum(len(record.items) for record in records)
    async with Publisher(settings.kafka) as publisher, FusedStore(settings.redis) as store:
        begin = time.perf_counter()
        acks = [await publisher.send(record, partition=i % 4) for i, record in enumerate(records)]
        await asyncio.gather(*acks)
        last_ms = SECONDS * 1000 - 1000
        for i in range(SESSIONS):
            while (await store.position(f"r{per_record}-{i}", "customer") or 0) < last_ms:
                await asyncio.sleep(0.02)
        took_s = time.perf_counter() - begin
    return Row(f"fusion agent, {per_record} observations a record", total / took_s, "observations/s")


def _records(name: str, per_record: int) -> Iterator[Observations]:
    """Yield the records of all sessions, dealt so that session i stays on partition i % 4."""
    streams = [list(session(f"{name}-{i}", 0, SECONDS)) for i in range(SESSIONS)]
    for start in range(0, len(streams[0]), per_record):
        for items in streams:
            yield Observations(items=tuple(items[start : start + per_record]))
