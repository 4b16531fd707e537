"""A partition's join from its assignment to its revocation: what it asks, reads, may commit and counts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from affectstream.runtime import metrics
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import DeadLetter, Party
from affectstream.schemas.observations import Observation
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.fusion.admission import Effects
from affectstream.workers.fusion.join import Join, forget_oldest
from affectstream.workers.fusion.window import Key

# session, party and run, and whether an observation with number 0 is among theirs
Senders = Mapping[tuple[str, Party, str], bool]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Asked:
    """What must be asked of the store before some observations count."""

    parties: Sequence[Key]  # whose resume points are not known
    runs: Sequence[tuple[str, str]]  # of which it is not known what they are to their sessions

    def __bool__(self) -> bool:
        return bool(self.parties or self.runs)


def senders(items: Iterable[Observation]) -> Senders:
    """Return who sent ``items``."""
    found: dict[tuple[str, Party, str], bool] = {}
    sid = party = run = ""  # of the observation before
    for item in items:
        if item.session_id != sid or item.party != party or item.run != run:
            sid, party, run = item.session_id, item.party, item.run
            found.setdefault((sid, item.party, run), False)
        if not item.seq:
            found[sid, item.party, run] = True
    return found


class Partition:
    """The join of a partition from its assignment to its revocation, and which offset may be committed.

    Effects are carried out, then what was `committable` when they were taken is committed. A crash between
    any two steps can be played in a test.
    """

    def __init__(self, join: Join) -> None:
        self.join = join
        self.next_offset: int | None = None
        self.undecoded: list[DeadLetter] = []  # records that could not be decoded, since the last step

    def asks(self, senders: Senders) -> Asked:
        """Return what must be asked of the store before observations of ``senders`` count.

        A party that is over begins again with number 0: its session may have been purged meanwhile.
        """
        join = self.join
        forget_oldest(join)
        parties, runs, begins = dict[Key, None](), dict[tuple[str, str], None](), list[tuple[str, str]]()
        for (sid, party, run), first in senders.items():
            if join.goes_on((sid, party), run):
                continue
            if not join.runs.knows(sid, run):
                runs[sid, run] = None
            if not join.knows((sid, party)):
                parties[sid, party] = None
            elif first and not join.is_open((sid, party)):
                begins.append((sid, run))
        return Asked(list(parties), list(runs | dict.fromkeys(begins)))

    def missed(self, offset: int) -> int:
        """Return how many records are missing before ``offset``; negative where it was read before."""
        return 0 if self.next_offset is None else offset - self.next_offset

    def add_record(self, offset: int, items: Iterable[Observation], latest_ms: float = math.inf) -> None:
        """Join the observations of one record; see `Join.add`."""
        self.next_offset = offset + 1
        self.join.add(offset, items, latest_ms)

    def take(self) -> tuple[Effects, list[DeadLetter]]:
        """Return what is to be carried out before anything is committed."""
        undecoded, self.undecoded = self.undecoded, []
        return self.join.take_effects(), undecoded

    def committable(self) -> int | None:
        """Return the offset to go on from after a crash, once all that was taken is carried out."""
        needed = self.join.needed_from()
        return self.next_offset if needed is None else needed


def count(partitions: Iterable[Partition]) -> None:
    """Count duplicates since the last time, and the windows that are open."""
    open_windows = 0
    for partition in partitions:
        for modality, number in partition.join.duplicates.items():
            metrics.DUPLICATES.labels(modality).inc(number)
        partition.join.duplicates.clear()
        open_windows += partition.join.open_windows()
    metrics.OPEN_WINDOWS.set(open_windows)


def lost(partition: int, missed: int, fatal: bool) -> None:
    """Count records that were dropped before they were read; raises Unavailable where that is ``fatal``."""
    metrics.GAPS.labels(PROBABILITIES.name).inc(missed)
    log.error("records_lost", topic=PROBABILITIES.name, partition=partition, missed=missed)
    if fatal:
        raise Unavailable(
            f"the embedded broker dropped {missed} records of {PROBABILITIES.name} before they were "
            "read: it keeps little; replay more slowly, or use a real Kafka"
        )
