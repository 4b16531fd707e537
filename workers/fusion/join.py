"""The join of one partition: observations in, closed windows out.

No clock and no I/O: the finals of a party are a function of the set of its observations, in whatever order,
batches and duplicates they come; each is a function of the observations of its window alone. A window is
taken out of its party in event order the moment the watermark passes it. Only ``tick``, which is given the
time, stops waiting for a modality that stalls.
"""

import math
from collections import Counter
from collections.abc import Iterable

from affectstream.schemas.messages import PARTIES, Modality
from affectstream.schemas.observations import EndOfStream, Observation
from affectstream.workers.fusion.admission import (
    ACCEPTED,
    DUPLICATE,
    LATE,
    REFUSALS,
    UNSURE,
    Admission,
    Effects,
)
from affectstream.workers.fusion.party import PartyJoin
from affectstream.workers.fusion.runs import KnownRuns, RunVerdict, SessionRuns
from affectstream.workers.fusion.watermark import HasLag
from affectstream.workers.fusion.window import Key, ResumePoint

ANEW = ResumePoint()
OVER = 1_000  # parties of which it is known where they stopped; the store is asked about others
LONGEST_MS = 6 * 3_600_000  # an observation that claims to cover more is refused


class Join:
    """The parties of one partition."""

    def __init__(self, window_ms: int, stall_ms: int, early: tuple[Modality, ...]) -> None:
        self.duplicates: Counter[Modality] = Counter()
        self._window_ms, self._stall_ms, self._fast = window_ms, stall_ms, early
        self._parties: dict[Key, PartyJoin] = {}
        self._over: dict[Key, ResumePoint] = {}  # where parties that are over have stopped, the oldest first
        self.runs = KnownRuns()
        self._due: dict[PartyJoin, None] = {}  # parties that an early pane may be due of
        self._effects = Effects()

    def knows(self, key: Key) -> bool:
        """Say whether nothing need be asked of the store about this party."""
        return key in self._parties or key in self._over

    def goes_on(self, key: Key, run: str) -> bool:
        """Say whether the party has state here, of this run."""
        party = self._parties.get(key)
        return party is not None and party.run == run

    def is_open(self, key: Key) -> bool:
        """Say whether the party has state here."""
        return key in self._parties

    def admit(self, session_id: str, run: str, verdict: RunVerdict, current: str) -> None:
        """Take note of what the store's answer makes of a run; ``current`` is the run that it belongs to."""
        runs = self._session(session_id)
        runs.verdicts[run] = verdict
        if verdict == "current" and runs.current != current:
            self._forget(session_id)
            runs.current = current

    def holds(self, session_id: str) -> bool:
        """Say whether windows of a session are open, or wait to be taken."""
        return any((session_id, party) in self._parties for party in PARTIES) or self._effects.has(session_id)

    def purged(self, session_id: str) -> None:
        """Forget a session of which the store holds nothing any more."""
        self._forget(session_id)
        self.runs.forget(session_id)

    def withdraw(self, session_id: str) -> None:
        """Drop all that is open or waits of a session that may not be processed any more."""
        self.purged(session_id)
        self._effects.withdraw(session_id)

    def resume(self, key: Key, point: ResumePoint) -> None:
        """Take note of where the newest final that is written lets a party go on."""
        if not self.knows(key):
            self._over[key] = point

    def add(  # noqa: C901  # a branch costs less than a call, for every observation
        self, offset: int, items: Iterable[Observation], latest_ms: float = math.inf
    ) -> None:
        """Join the observations of one record; those that promise a time after ``latest_ms`` are refused."""
        parties, due = self._parties, self._due
        session_id, name, party = "", "", None  # of the observation before
        for item in items:
            if item.session_id != session_id or item.party != name:
                if party is not None and party.progress.reach_ms() >= party.early_ms:
                    due[party] = None
                session_id, name = item.session_id, item.party
                party = parties.get((session_id, item.party))
            if party is None or item.run != party.run or item.end_ms - item.start_ms > LONGEST_MS:
                party = self._admitted((session_id, item.party), item, offset, latest_ms)
                if party is None:
                    party = parties.get((session_id, item.party))
                    continue
            admission = party.add(item, offset)
            if admission is not ACCEPTED:
                if admission is UNSURE:
                    admission = party.weigh(item, offset, latest_ms)
                    if party.settled:
                        self._settle(party)
                self._judge(admission, item, offset)
            if party.progress.watermark_ms >= party.closing_ms:
                self._close_due(party)
                party = parties.get(party.key)
        if party is not None and party.progress.reach_ms() >= party.early_ms:
            due[party] = None

    def tick(self, now_ms: int, has_lag: HasLag) -> None:
        """Stop waiting for what has stalled by now, on a clock that never goes back."""
        sessions: dict[str, list[PartyJoin]] = {}
        for (session_id, _), party in self._parties.items():
            sessions.setdefault(session_id, []).append(party)
        for party in list(self._parties.values()):
            self._due[party] = None
            if party.stall(now_ms, self._stall_ms, sessions[party.key[0]], has_lag):
                self._give_up(party)
            elif party.due:
                self._close_due(party)
            self._settle(party)

    def finish(self) -> None:
        """Close all parties, as at the end of all input."""
        for party in list(self._parties.values()):
            self._give_up(party)

    def take_effects(self) -> Effects:
        """Return what follows from everything since the last call; early panes of open windows among it."""
        self._effects.early = [pane for party in self._due if (pane := party.early()) is not None]
        self._due.clear()
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

    def _admitted(self, key: Key, item: Observation, offset: int, latest_ms: float) -> PartyJoin | None:
        """Return the party of ``item``, begun where it stopped or anew; None where it counts for nothing."""
        if not self._is_current(item, offset):
            return None
        too_long = item.end_ms - item.start_ms > LONGEST_MS and not isinstance(item, EndOfStream)
        party = self._parties.get(key)
        if too_long or (party is None and item.watermark_ms > latest_ms):
            self._effects.refuse(item, "implausible", offset)
            return None
        if party is not None:
            return party
        point = self._over.get(key, ANEW)
        verdict = point.verdict(item, self._window_ms)
        if verdict != "new":
            if verdict == "late":
                self._over[key] = point if item.seq else point.restarted(item.modality)
            self._judge(LATE if verdict == "late" else DUPLICATE, item, offset)
            return None
        self._over.pop(key, None)
        run = self._session(key[0]).current or ""
        party = self._parties[key] = PartyJoin(key, self._window_ms, point, self._fast, run)
        return party

    def _is_current(self, item: Observation, offset: int) -> bool:
        """Say whether ``item`` belongs to the run whose windows are written; begins that where it is new."""
        runs = self._session(item.session_id)
        verdict = runs.verdict(item.run)
        if verdict == "begins":
            self._forget(item.session_id)
            runs.begin(item.run)
            if item.run:
                self._effects.begun[item.session_id] = item.run
        elif verdict != "current":
            self._effects.refuse(item, verdict, offset)
            return False
        return True

    def _session(self, session_id: str) -> SessionRuns:
        parties = (self._parties.get((session_id, party)) for party in PARTIES)
        return self.runs.of(session_id, (party.run for party in parties if party))

    def _forget(self, session_id: str) -> None:
        """Drop the windows that are open of a session, and where it stopped."""
        for key in [(session_id, party) for party in PARTIES]:
            self._over.pop(key, None)
            if (join := self._parties.pop(key, None)) is not None:
                self._due.pop(join, None)
                self._effects.closed.append(key)

    def _judge(self, admission: Admission, item: Observation, offset: int) -> None:
        """Take note of an observation that does not count, or not everywhere."""
        if admission is DUPLICATE:
            self.duplicates[item.modality] += 1
        elif admission in REFUSALS:
            self._effects.refuse(item, REFUSALS[admission], offset)

    def _settle(self, party: PartyJoin) -> None:
        for settled in party.settled:
            self._judge(*settled)
        party.settled.clear()

    def _close_due(self, party: PartyJoin) -> None:
        self._effects.finals += party.finals()
        if party.over:
            self._remove(party)

    def _give_up(self, party: PartyJoin) -> None:
        self._effects.finals += party.flush()
        self._settle(party)
        self._remove(party)

    def _remove(self, party: PartyJoin) -> None:
        del self._parties[party.key]
        self._due.pop(party, None)
        self._over[party.key] = party.point()
        self._effects.closed.append(party.key)


def forget_oldest(join: Join) -> None:
    """Forget parties that are over beyond `OVER`, and the runs of sessions that have no others.

    Not between asking the store about a fetch and joining it: where its parties go on is among them.
    """
    while len(join._over) > OVER:
        session_id, party = next(iter(join._over))
        del join._over[session_id, party]
        if not any(join.knows((session_id, each)) for each in PARTIES):
            join.runs.forget(session_id)
