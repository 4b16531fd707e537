"""The join of one partition: observations in, closed windows out.

No clock and no I/O: the finals of a party are a function of the set of its observations, in whatever order,
batches and duplicates they come; each is a function of the observations of its window alone. A window is
taken out of its party in event order the moment the watermark passes it. Only ``tick``, which is given the
time, stops waiting for a modality that stalls.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal

from affectstream.schemas.messages import DeadLetter, Modality
from affectstream.schemas.observations import EndOfStream, Observation
from affectstream.workers.fusion.party import DUPLICATE, LATE, PartyJoin
from affectstream.workers.fusion.watermark import HasLag
from affectstream.workers.fusion.window import ClosedWindow, Key, ResumePoint

LONGEST_MS = 6 * 3_600_000  # an observation that claims to cover more is refused
KEY = attrgetter("session_id", "party")
REMEMBERED = 10_000  # parties that are over, of which the resume point is kept


@dataclass(frozen=True)
class Refused:
    """An observation that did not count, or not in all of its windows, and why."""

    item: Observation
    reason: Literal["late", "implausible"]
    offset: int  # of its record


@dataclass
class Effects:
    """What follows from a step, to be carried out before any of its records is acknowledged."""

    finals: list[ClosedWindow] = field(default_factory=list)  # in window order per party
    early: list[ClosedWindow] = field(default_factory=list)  # the newest of each party
    refused: list[Refused] = field(default_factory=list)
    closed: list[Key] = field(default_factory=list)  # parties that are over: their state is gone


class Join:
    """The parties of one partition."""

    def __init__(self, window_ms: int, stall_ms: int, early: tuple[Modality, ...]) -> None:
        self.duplicates: Counter[Modality] = Counter()
        self._window_ms, self._stall_ms, self._fast = window_ms, stall_ms, early
        self._parties: dict[Key, PartyJoin] = {}
        self._over: dict[Key, ResumePoint] = {}
        self._touched: dict[PartyJoin, None] = {}  # parties that an early pane may be due of
        self._effects = Effects()

    def knows(self, key: Key) -> bool:
        """Say whether nothing need be asked of the store about this party."""
        return key in self._parties or key in self._over

    def is_open(self, key: Key) -> bool:
        """Say whether the party has state here."""
        return key in self._parties

    def resume(self, key: Key, point: ResumePoint) -> None:
        """Take note of where the newest final that is written lets a party go on."""
        if not self.knows(key):
            self._remember(key, point)

    def add(self, offset: int, items: Iterable[Observation]) -> None:
        """Join the observations of one record."""
        parties, touched = self._parties, self._touched
        session_id, name, party = "", "", None  # of the observation before
        for item in items:
            if item.session_id != session_id or item.party != name:
                session_id, name = item.session_id, item.party
                party = parties.get((session_id, item.party))
            if party is None or item.end_ms - item.start_ms > LONGEST_MS:
                party = self._admitted((session_id, item.party), item, offset)
                if party is None:
                    continue
            admission = party.add(item, offset)
            if admission is DUPLICATE:
                self.duplicates[item.modality] += 1
                continue
            if admission is LATE:
                self._effects.refused.append(Refused(item, "late", offset))
            touched[party] = None
            if party.progress.watermark_ms >= party.closing_ms:
                self._close_due(party)
                party = parties.get(party.key)

    def tick(self, now_ms: int, has_lag: HasLag) -> None:
        """Stop waiting for what has stalled by now, on a clock that never goes back."""
        sessions: dict[str, list[PartyJoin]] = {}
        for (session_id, _), party in self._parties.items():
            sessions.setdefault(session_id, []).append(party)
        for party in list(self._parties.values()):
            if party.stall(now_ms, self._stall_ms, sessions[party.key[0]], has_lag):
                self._give_up(party)
            elif party.due:
                self._close_due(party)
            self._touched[party] = None

    def finish(self) -> None:
        """Close all parties, as at the end of all input."""
        for party in list(self._parties.values()):
            self._give_up(party)

    def take_effects(self) -> Effects:
        """Return what follows from everything since the last call; early panes of open windows among it."""
        early = [party.early() for party in self._touched if self._parties.get(party.key) is party]
        self._effects.early = [pane for pane in early if pane is not None]
        self._touched.clear()
        effects, self._effects = self._effects, Effects()
        return effects

    def waiting(self) -> int:
        """Return how many closed windows wait to be taken."""
        return len(self._effects.finals)

    def needed_from(self) -> int | None:
        """Return the offset of the first record that a restart needs once all effects are carried out."""
        needed = [party.needed_from() for party in self._parties.values()]
        return min((offset for offset in needed if offset is not None), default=None)

    def silence_ms(self, now_ms: int) -> int:
        """Return for how long the most silent party or modality has been so."""
        return max((party.silence_ms(now_ms) for party in self._parties.values()), default=0)

    def open_windows(self) -> int:
        """Return how many windows wait for their watermark."""
        return sum(party.open_windows() for party in self._parties.values())

    def _admitted(self, key: Key, item: Observation, offset: int) -> PartyJoin | None:
        """Return the party of ``item``, begun where it stopped or anew; None where it counts for nothing."""
        if not isinstance(item, EndOfStream) and item.end_ms - item.start_ms > LONGEST_MS:
            self._effects.refused.append(Refused(item, "implausible", offset))
            return None
        if key in self._parties:
            return self._parties[key]
        point = self._over.get(key, ResumePoint())
        if point.passed(item, self._window_ms):
            self.duplicates[item.modality] += 1
            return None
        self._over.pop(key, None)
        party = self._parties[key] = PartyJoin(key, self._window_ms, point, self._fast)
        return party

    def _close_due(self, party: PartyJoin) -> None:
        self._effects.finals += party.finals()
        if party.over:
            self._remove(party)

    def _give_up(self, party: PartyJoin) -> None:
        self._effects.finals += party.flush()
        self._remove(party)

    def _remove(self, party: PartyJoin) -> None:
        del self._parties[party.key]
        self._remember(party.key, party.point())
        self._effects.closed.append(party.key)

    def _remember(self, key: Key, point: ResumePoint) -> None:
        self._over[key] = point
        while len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]


class Partition:
    """The join of a partition from its assignment to its revocation, and which offset may be committed.

    Effects are carried out, then what was `committable` when they were taken is committed. A crash between
    any two steps can be played in a test.
    """

    def __init__(self, join: Join) -> None:
        self.join = join
        self.next_offset: int | None = None
        self.undecoded: list[DeadLetter] = []  # records that could not be decoded, since the last step

    def unknown_parties(self, items: Iterable[Observation]) -> list[Key]:
        """Return the parties of ``items`` whose resume point must be asked of the store before they count."""
        keys = dict.fromkeys(map(KEY, items))
        return [key for key in keys if not self.join.knows(key)]

    def missed(self, offset: int) -> int:
        """Return how many records are missing before ``offset``; negative where it was read before."""
        return 0 if self.next_offset is None else offset - self.next_offset

    def add_record(self, offset: int, items: Iterable[Observation]) -> None:
        """Join the observations of one record."""
        self.next_offset = offset + 1
        self.join.add(offset, items)

    def take(self) -> tuple[Effects, list[DeadLetter]]:
        """Return what is to be carried out before anything is committed."""
        undecoded, self.undecoded = self.undecoded, []
        return self.join.take_effects(), undecoded

    def committable(self) -> int | None:
        """Return the offset to go on from after a crash, once all that was taken is carried out."""
        needed = self.join.needed_from()
        return self.next_offset if needed is None else needed
