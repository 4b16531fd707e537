"""What becomes of an observation, and what follows from a step of the join."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal

from affectstream.runtime.metrics import NOT_PERMITTED
from affectstream.schemas.observations import Observation
from affectstream.workers.fusion.window import ClosedWindow, Key

Refusal = Literal["late", "implausible", "superseded", "second_run"]  # the reason of its dead letter


class Admission(Enum):
    """What became of an observation."""

    ACCEPTED = auto()
    DUPLICATE = auto()
    LATE = auto()  # for some or all of its windows; the others took it
    UNSURE = auto()  # it ends a stream or leaps ahead: it has to be weighed
    HELD = auto()  # until its neighbours show whether its time is right
    IMPLAUSIBLE = auto()  # they have shown that it is wrong


ACCEPTED, DUPLICATE, LATE, UNSURE = (
    Admission.ACCEPTED,
    Admission.DUPLICATE,
    Admission.LATE,
    Admission.UNSURE,
)
REFUSALS: dict[Admission, Refusal] = {LATE: "late", Admission.IMPLAUSIBLE: "implausible"}


@dataclass(frozen=True)
class Refused:
    """An observation that did not count, or not in all of its windows, and why."""

    item: Observation
    reason: Refusal
    offset: int  # of its record


@dataclass
class Effects:
    """What follows from a step, to be carried out before any of its records is acknowledged."""

    finals: list[ClosedWindow] = field(default_factory=list)  # in window order per party
    early: list[ClosedWindow] = field(default_factory=list)  # the newest of each party
    refused: list[Refused] = field(default_factory=list)
    closed: list[Key] = field(default_factory=list)  # parties that are over: their state is gone
    begun: dict[str, str] = field(default_factory=dict)  # runs by session, whose windows replace others

    def refuse(self, item: Observation, reason: Refusal, offset: int) -> None:
        """Take note of an observation that does not count, or not everywhere."""
        self.refused.append(Refused(item, reason, offset))

    def has(self, session_id: str) -> bool:
        """Say whether finals of a session are among them."""
        return any(final.key[0] == session_id for final in self.finals)

    def withdraw(self, session_id: str) -> None:
        """Drop what is to be written of a session that may not be processed any more."""
        self.finals = [final for final in self.finals if final.key[0] != session_id]
        self.begun.pop(session_id, None)


def permitted(items: Sequence[Observation], refused: Container[str]) -> tuple[Observation, ...]:
    """Return the observations of sessions that may be processed; of the others only a count is left."""
    kept = tuple(item for item in items if item.session_id not in refused)
    NOT_PERMITTED.inc(len(items) - len(kept))
    return kept
