"""The join of one partition, and what its records are still needed for.

``take`` and ``tick`` collect effects; whoever calls them carries the effects out and then says so with
``settle``, which returns the records to acknowledge. No clock and no I/O, so that a crash between any two
steps can be played in a test.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from affectstream.schemas.messages import FusedEmotion, Observation
from affectstream.workers.fusion.ack import AckTracker, Key, Need
from affectstream.workers.fusion.engine import Closed, Engine, Output, Refused
from affectstream.workers.fusion.stall import HasLag
from affectstream.workers.fusion.window import needed_until_ms


@dataclass
class Effects:
    """What is to be carried out, in this order of kinds, before any record is acknowledged."""

    refused: list[tuple[int, Refused]] = field(default_factory=list)  # with the offset of the record
    finals: list[FusedEmotion] = field(default_factory=list)  # in window order per party
    early: dict[Key, FusedEmotion] = field(default_factory=dict)  # the newest of each party
    closed: dict[Key, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.refused or self.finals or self.early or self.closed)


class Partition:
    """One partition from its assignment to its revocation."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.effects = Effects()
        self.tracker = AckTracker()
        self._turn = 0
        self._offset = -1

    def strangers(self, items: Iterable[Observation]) -> list[Key]:
        """Return the parties of ``items`` whose place must be asked of the store before ``take``."""
        keys = dict.fromkeys((item.session_id, item.party) for item in items)
        return [key for key in keys if not self.engine.knows(key)]

    def resume(self, key: Key, closed_ms: int | None, before: FusedEmotion | None = None) -> None:
        """Take note of the store's answer about a party: the end of its newest final, and that final."""
        self.engine.resume(key, closed_ms, before)
        if closed_ms is not None:
            self.tracker.written(key, closed_ms)

    def take(self, offset: int, items: Iterable[Observation]) -> None:
        """Join the observations of one record."""
        needs: dict[Key, Need] = {}
        self._offset = offset
        for item in items:
            self._turn += 1
            key = item.session_id, item.party
            outputs = self.engine.push(item)
            self._collect(outputs)
            if self.engine.is_open(key) or Closed(*key) in outputs:
                before = needs.get(key)
                until_ms = needed_until_ms(item, self.engine.config.window_ms)
                needs[key] = Need(max(until_ms, before.until_ms if before else 0), self._turn)
        self.tracker.add(offset, needs)

    def tick(self, now_ms: int, has_lag: HasLag) -> None:
        """Let go of what has stalled."""
        self._collect(self.engine.tick(now_ms, has_lag))

    def settle(self) -> list[int]:
        """Take note that the effects are carried out; return the offsets to acknowledge, in order."""
        done, self.effects = self.effects, Effects()
        for final in done.finals:
            self.tracker.written((final.session_id, final.party), final.end_ms)
        for key, turn in done.closed.items():
            self.tracker.closed(key, turn)
        return self.tracker.release()

    def _collect(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case FusedEmotion(pane="early"):
                    self.effects.early[output.session_id, output.party] = output
                case FusedEmotion():
                    self.effects.finals.append(output)
                    self._supersede(output)
                case Refused():
                    self.effects.refused.append((self._offset, output))
                case Closed():
                    self.effects.closed[output.session_id, output.party] = self._turn

    def _supersede(self, final: FusedEmotion) -> None:
        key = final.session_id, final.party
        early = self.effects.early.get(key)
        if early is not None and early.end_ms <= final.end_ms:
            del self.effects.early[key]
