"""How far the parties of a call have come, in ms of the stream's clock, and the numbers of their messages."""

from collections import Counter
from dataclasses import dataclass, field

from affectstream.producers.gateway.lane import Lane
from affectstream.producers.gateway.speech import SpeechLane
from affectstream.schemas.messages import Modality, Party


@dataclass
class Progress:
    """What a call has taken in; another process goes on from what this states of it."""

    speech: SpeechLane
    lanes: dict[Party, Lane] = field(default_factory=dict)
    seen_ms: dict[Party, int] = field(default_factory=dict)  # time of the newest picture
    numbers: Counter[tuple[Party, Modality]] = field(default_factory=Counter)  # of the next messages

    @property
    def head_ms(self) -> float:
        """Return how far the stream's clock has come."""
        heads = (lane.head_ms for lane in self.lanes.values())
        return max([0.0, self.speech.head_ms, *heads, *self.seen_ms.values()])

    @property
    def filled_ms(self) -> float:
        """Return how much silence stands for what is missing."""
        return sum(lane.filled_ms for lane in self.lanes.values())

    @property
    def sound(self) -> dict[Party, tuple[int, int]]:
        """Return the rate in Hz of each party's sound, and where it ends."""
        return {party: (lane.rate_hz, lane.end_ms) for party, lane in self.lanes.items()}

    @property
    def words_ms(self) -> dict[Party, int]:
        """Return up to where the words of each party are settled."""
        return {party: self.speech.settled_ms(party) for party in self.speech.parties}

    def ends_ms(self) -> dict[Party, int]:
        """Return where each party ends that sent anything."""
        ends_ms = {party: lane.end_ms for party, lane in self.lanes.items()}
        for party, last_ms in self.seen_ms.items():
            ends_ms[party] = max(last_ms + 1, ends_ms.get(party, 0))
        for party, settled_ms in self.words_ms.items():
            ends_ms[party] = max(settled_ms, ends_ms.get(party, 0))
        return ends_ms

    def take_number(self, party: Party, modality: Modality) -> int:
        """Return the number of the next message, and count it."""
        number = self.numbers[party, modality]
        self.numbers[party, modality] += 1
        return number
