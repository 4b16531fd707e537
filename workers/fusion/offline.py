"""The join without a broker, a few observations at a time: for `analyze`, benchmarks and tests."""

from collections.abc import Iterator

from affectstream.runtime.settings import FusionSettings
from affectstream.schemas.codec import decode
from affectstream.schemas.messages import FusedEmotion, Observation
from affectstream.schemas.observations import record
from affectstream.schemas.topics import FUSED
from affectstream.workers.fusion.admission import Effects
from affectstream.workers.fusion.config import Fusion, configured


class OfflineJoin:
    """A partition's join and its fuser; the finals are those of the stream, byte for byte."""

    def __init__(self, fusion: Fusion) -> None:
        self.join = fusion.join()
        self.fuser = fusion.fuser

    def push(self, *observations: Observation) -> list[FusedEmotion]:
        """Join observations; return the finals that they close, then the early panes that are due.

        The finals are the same however many come at once; of early panes there is the newest of each party.
        """
        self.join.add(0, map(record, observations))
        return list(self.fused(self.join.take_effects()))

    def finish(self) -> list[FusedEmotion]:
        """Close all parties, as at the end of all input, and return their finals."""
        self.join.finish()
        return list(self.fused(self.join.take_effects()))

    def fused(self, effects: Effects) -> Iterator[FusedEmotion]:
        """Yield the finals and early panes of a step as messages."""
        panes = self.fuser.fuse(effects.finals, "final").panes + self.fuser.fuse(effects.early, "early").panes
        for encoded in panes:
            message = decode(encoded.packed, FUSED.max_bytes)
            if isinstance(message, FusedEmotion):
                yield message


def offline_join(settings: FusionSettings) -> OfflineJoin:
    """Return the join that settings ask for; raises SettingsError for an unknown rule or file."""
    return OfflineJoin(configured(settings))
