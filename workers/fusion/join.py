"""The join as a whole: observations in, fused windows out.

No clock and no I/O: the finals of a party are a function of the set of its observations, in whatever order,
batches and duplicates they come. Each is a function of its window's observations and of the party's
final before it. Only ``tick``, which is told the time, lets go of a modality that stalls.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from affectstream.models.fusion.evidence import Rule
from affectstream.models.fusion.trust import PerClass, table
from affectstream.schemas.messages import EndOfStream, FusedEmotion, Modality, Observation, Party
from affectstream.workers.fusion.compose import Span, compose
from affectstream.workers.fusion.display import PLAIN, Display
from affectstream.workers.fusion.fuser import Fuser, Override
from affectstream.workers.fusion.party import Heard, PartyJoin, Place, Window
from affectstream.workers.fusion.stall import HasLag, look, silence_ms

LONGEST_MS = 6 * 3_600_000  # an observation that claims to cover more is refused
REMEMBERED = 10_000  # parties that are over, of which the place is kept

Key = tuple[str, Party]


@dataclass(frozen=True)
class Refused:
    """An observation that did not count, or not in all of its windows, and why."""

    item: Observation
    reason: Literal["late", "implausible"]


@dataclass(frozen=True)
class Closed:
    """A party is over: its state is gone, and nothing of it is needed once its finals are written."""

    session_id: str
    party: Party


Output = FusedEmotion | Refused | Closed


@dataclass(frozen=True)
class Config:
    """What the join is told by settings."""

    window_ms: int = 1000
    stall_ms: int = 10_000
    early: tuple[Modality, ...] = ("video", "audio")
    hold_ms: Mapping[Modality, int] = field(default_factory=dict)  # for how long what it said last counts
    online: bool = False  # whether trust follows how far modalities have agreed of late
    display: Display = PLAIN


class Engine:
    """The parties of one partition."""

    def __init__(self, config: Config, rule: Rule, trust: Mapping[Modality, PerClass]) -> None:
        self.config = config
        self.duplicates: Counter[Modality] = Counter()
        self._fuser = Fuser(rule, table(trust), config.online, config.hold_ms, config.display)
        self._parties: dict[Key, PartyJoin] = {}
        self._over: dict[Key, Place] = {}

    def override(self, operator: Override) -> None:
        """Let an operator's trust hold from now on; none of it gives the settings' back."""
        self._fuser = self._fuser.override(operator)

    def knows(self, key: Key) -> bool:
        """Say whether nothing need be asked of the store about this party."""
        return key in self._parties or key in self._over

    def is_open(self, key: Key) -> bool:
        """Say whether the party has state here."""
        return key in self._parties

    def resume(self, key: Key, closed_ms: int | None, before: FusedEmotion | None = None) -> None:
        """Take note of the end of the newest final that is written, and of that final where it can be read.

        Older data is done with, and no news.
        """
        if not self.knows(key) and closed_ms is not None:
            self._remember(key, Place(closed_ms, resumed_ms=closed_ms, before=before))

    def push(self, item: Observation) -> list[Output]:
        """Take one observation and return what it brings about."""
        if not isinstance(item, EndOfStream) and item.end_ms - item.start_ms > LONGEST_MS:
            return [Refused(item, "implausible")]
        key = item.session_id, item.party
        party = self._parties.get(key) or self._begin(key, item)
        heard = Heard.DUPLICATE if party is None else party.hear(item)
        if party is None or heard is Heard.DUPLICATE:
            self.duplicates[item.modality] += 1
            return []
        late: list[Output] = [Refused(item, "late")] if heard is Heard.LATE else []
        return [*late, *self._due(key, party)]

    def tick(self, now_ms: int, has_lag: HasLag) -> list[Output]:
        """Let go of what has stalled by now, on a clock that never goes back."""
        outputs: list[Output] = []
        sessions: dict[str, list[PartyJoin]] = {}
        for (session_id, _), party in self._parties.items():
            sessions.setdefault(session_id, []).append(party)
        for key, party in list(self._parties.items()):
            if look(party, sessions[key[0]], now_ms, self.config.stall_ms, has_lag):
                outputs += self._give_up(key, party)
            else:
                outputs += self._due(key, party)
        return outputs

    def silence_ms(self, now_ms: int) -> int:
        """Return for how long the most silent party or modality has been so."""
        return max((silence_ms(party, now_ms) for party in self._parties.values()), default=0)

    def open_windows(self) -> int:
        """Return how many windows wait for their watermark."""
        return sum(party.open_windows() for party in self._parties.values())

    def finish(self) -> list[Output]:
        """Close all parties, as at the end of all input."""
        return [output for key, party in list(self._parties.items()) for output in self._give_up(key, party)]

    def _begin(self, key: Key, item: Observation) -> PartyJoin | None:
        """Open the party where it stopped, or anew; not for an item that is past."""
        place = self._over.get(key, Place())
        if place.passed(item, self.config.window_ms):
            return None
        self._over.pop(key, None)
        party = PartyJoin(self.config.window_ms, place)
        self._parties[key] = party
        return party

    def _due(self, key: Key, party: PartyJoin) -> list[Output]:
        outputs: list[Output] = [self._fused(key, party, "final", *window) for window in party.finals()]
        if party.over:
            return [*outputs, self._close(key, party)]
        early = party.early(self.config.early)
        return outputs + [self._fused(key, party, "early", *window) for window in early]

    def _give_up(self, key: Key, party: PartyJoin) -> Iterator[Output]:
        for window in party.rest():
            yield self._fused(key, party, "final", *window)
        yield self._close(key, party)

    def _close(self, key: Key, party: PartyJoin) -> Closed:
        del self._parties[key]
        self._remember(key, party.place())
        return Closed(*key)

    def _remember(self, key: Key, place: Place) -> None:
        self._over[key] = place
        while len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    def _fused(
        self, key: Key, party: PartyJoin, pane: Literal["early", "final"], start_ms: int, window: Window
    ) -> FusedEmotion:
        span = Span(*key, start_ms, start_ms + self.config.window_ms)
        fused = compose(self._fuser, span, pane, window, party.expects, party.before)
        if pane == "final":
            party.before = fused
        return fused
