"""How fast the join is without a broker, typed records in and encoded finals out, and what it keeps."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from affectstream.runtime.settings import Settings
from affectstream.schemas import observations
from affectstream.schemas.messages import EndOfStream
from affectstream.workers.fusion.config import configured
from affectstream.workers.fusion.join import Join
from benchmarks.measure import Row, compare
from benchmarks.workload import Load, packed, session, steps

STEP = 400  # records that are joined before the windows that they close are fused
LOADS = (Load(1000, 6, fps=5), Load(500, 4, fps=30))
SMALL = (Load(20, 4, fps=5), Load(10, 3, fps=30))
SESSIONS = (10, 100, 1000, 5000)
IN_CALL_S = 10  # until the memory of parties is looked at
HOUR_S = 3600

Records = Sequence[Sequence[observations.Observation]]


def rows(settings: Settings, small: bool, rounds: int) -> Iterator[Row]:
    """Yield the rate of each load, without and with the decoding, against a count per window."""
    for load in SMALL if small else LOADS:
        values = [packed(items) for items in steps(load)]
        records = decoded(values)
        counting = counted(load, records)
        what = f"join and fuse, {load.sessions:,} sessions at {load.fps} fps"
        joining = joined(settings, records)
        yield compare(what, "observations/s", joining, "counting per window", counting, rounds)
        reading = read_and_joined(settings, values)
        yield compare(f"{what}, with decoding", "observations/s", reading, "without", joining, rounds)


def by_sessions(settings: Settings, small: bool, rounds: int) -> Iterator[Row]:
    """Yield the rate with more and more sessions, and what one party keeps in the middle of a call."""
    for sessions in SESSIONS[:2] if small else SESSIONS:
        load = Load(sessions, max(4, (400 if small else 6000) // sessions))
        records = decoded([packed(items) for items in steps(load)])
        what = f"join and fuse, {sessions:,} sessions"
        yield compare(
            what,
            "observations/s",
            joined(settings, records),
            "counting per window",
            counted(load, records),
            rounds,
        )
    parties = 50 if small else 1000
    yield Row(f"memory of a party, of {parties:,} in a call", party_kib(settings, parties), "KiB")


def hour(settings: Settings, small: bool, rounds: int) -> Iterator[Row]:
    """Yield the rate of a call of an hour, its memory at the end, and what a restart would read again."""
    seconds = 60 if small else HOUR_S
    load = Load(1, seconds)
    whole = decoded([packed(items) for items in steps(load)])
    without_text = list(text_ends_at_once(seconds))
    for what, records in (("a call of an hour", whole), ("its text ending at once", without_text)):
        counting = counted(load, records)
        yield compare(
            what, "observations/s", joined(settings, records), "counting per window", counting, rounds
        )
        join, kib = kept(lambda records=records: finished(settings, records))
        yield Row(f"{what}, memory at its end", kib, "KiB")
        needed = join.needed_from()
        yield Row(
            f"{what}, read again at a restart", len(records) - needed if needed is not None else 0, "records"
        )


def decoded(values: Sequence[bytes]) -> Records:
    """Return what the records hold; raises what the first bad one is refused with."""
    found = []
    for each in observations.read(values):
        if isinstance(each, Exception):
            raise each
        found.append(each)
    return found


def text_ends_at_once(seconds: int) -> Iterator[Sequence[observations.Observation]]:
    """Yield the records of a call whose transcript stream has ended as it begins."""
    items = [item for item in session("hour", seconds=seconds) if item.modality != "text"]
    first = items[0]
    end = EndOfStream(
        **first.envelope()
        | {"modality": "text", "seq": 0, "end_ms": first.start_ms, "watermark_ms": first.start_ms}
    )
    yield [observations.record(end)]
    for start in range(0, len(items), 8):
        yield [observations.record(item) for item in items[start : start + 8]]


def finished(settings: Settings, records: Records) -> Join:
    """Return the join after all records, step by step."""
    fusion = configured(settings.fusion)
    join = fusion.join()
    for start in range(0, len(records), STEP):
        for offset, items in enumerate(records[start : start + STEP], start):
            join.add(offset, items)
        effects = join.take_effects()
        fusion.fuser.fuse(effects.finals, "final")
        fusion.fuser.fuse(effects.early, "early")
    return join


def joined(settings: Settings, records: Records) -> Callable[[], int]:
    """Return what joins all records and says how many observations they hold."""
    count = sum(map(len, records))

    def work() -> int:
        finished(settings, records)
        return count

    return work


def read_and_joined(settings: Settings, values: Sequence[bytes]) -> Callable[[], int]:
    """Return what decodes records and joins them."""

    def work() -> int:
        records = [
            items for start in range(0, len(values), STEP) for items in decoded(values[start : start + STEP])
        ]
        finished(settings, records)
        return sum(map(len, records))

    return work


def counted(load: Load, records: Records) -> Callable[[], int]:
    """Return what only counts observations per party, window and modality."""

    def work() -> int:
        windows: dict[tuple[str, int, str], int] = {}
        for items in records:
            for item in items:
                key = item.session_id, item.start_ms // 1000, item.modality
                windows[key] = windows.get(key, 0) + 1
        return sum(windows.values())

    return work


def party_kib(settings: Settings, parties: int) -> float:
    """Return what the join keeps per party in the middle of a call."""
    load = replace(Load(parties, IN_CALL_S), per_record=8)
    values = [packed(items) for items in steps(load)]

    def in_call() -> Join:
        fusion = configured(settings.fusion)
        join = fusion.join()
        for offset, value in enumerate(values):
            (items,) = decoded([value])
            join.add(offset, items)
            fusion.fuser.fuse(join.take_effects().finals, "final")
        return join

    _, kib = kept(in_call)
    return kib / parties


def kept(build: Callable[[], Join]) -> tuple[Join, float]:
    """Return what ``build`` makes and how many KiB that keeps."""
    build()  # what is made once, at the first call, is nobody's
    gc.collect()
    tracemalloc.start()
    join = build()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return join, held / 1024
