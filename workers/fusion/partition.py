"""One partition from its assignment to its revocation: its join, and which offset may be committed.

No clock and no I/O, so that a crash between any two steps can be played in a test: effects are carried out,
then what was `committable` when they were taken is committed.
"""

from collections.abc import Iterable

from affectstream.schemas.messages import DeadLetter
from affectstream.schemas.observations import Observation
from affectstream.workers.fusion.join import Effects, Join
from affectstream.workers.fusion.window import Key


class Partition:
    """A join, and where in the log it stands."""

    def __init__(self, join: Join) -> None:
        self.join = join
        self.next_offset: int | None = None
        self.undecoded: list[DeadLetter] = []  # records that could not be decoded, since the last step

    def unknown_parties(self, items: Iterable[Observation]) -> list[Key]:
        """Return the parties of ``items`` whose resume point must be asked of the store before they count."""
        keys = dict.fromkeys([(item.session_id, item.party) for item in items])
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
