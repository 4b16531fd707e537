"""Sessions that are played again: a part of one, shifted and renamed, in loops, with seeks, beside others.

A session is played on a time of its own that only goes forward. What is played of the source is cut to whole
windows, so a window that is played gives the final of the source, whatever is played around it: an interval
that lies in it in part is cut, an instant is in it or not, and every stream is ended where the part ends.
"""

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from affectstream.producers.session import SessionMessage
from affectstream.schemas.due import WAIT_MS, due_ms
from affectstream.schemas.messages import EndOfStream, Envelope, Modality, Observations, Party

Playable = SessionMessage | Observations
Read = Callable[[int, int | None], Iterator[Playable]]
"""The messages due between two event times of the source, in the order in which they are due."""
StreamKey = tuple[Party, Modality]
E = TypeVar("E", bound=Envelope)

BEFORE_MS = 300_000  # an utterance that began so long before a part is still found to lie in it
FOREVER_MS = 1 << 53
AFTER_MS = WAIT_MS + 2_000  # what lies in a part is due so long after its end at the latest


@dataclass(frozen=True)
class Source:
    """A recorded session; times are event times of its own."""

    session_id: str
    start_ms: int
    read: Read
    results: bool = False  # observations, and not what they are of


@dataclass(frozen=True)
class Play:
    """One playing of a source: which part, under which id and run, and when it begins."""

    source: Source
    session_id: str
    run: str
    start_ms: int
    from_ms: int  # of the source
    until_ms: int  # of the source; where it is not ``cut`` there, what is known of its end
    cut: bool = False


@dataclass
class Control:
    """What somebody who watches asks for; seeks are in milliseconds of the source, forward or back."""

    paused: bool = False
    stopped: bool = False
    seeks: list[int] = field(default_factory=list)


class Player:
    """Plays one source after another on one line of time; ``control`` moves within the one that is played."""

    def __init__(self, plays: Sequence[Play], window_ms: int, control: Control | None = None) -> None:
        self._plays, self._window_ms, self._control = plays, window_ms, control or Control()
        self._followed = 0  # seeks

    def messages(self) -> Iterator[Playable]:
        """Yield all messages; a play begins where the one before has ended, at the start of a window."""
        reached_ms = 0
        for play in self._plays:
            part = _Part(play, play.from_ms, self._boundary(play, reached_ms))
            streams = part.streams
            following: _Part | None = part
            while following is not None:
                part = following
                following = yield from self._played(part)
            reached_ms = part.end_ms()
            ends = [stream.end(reached_ms) for stream in streams.values() if not stream.ended]
            yield from (Observations(items=(end,)) if play.source.results else end for end in ends)
            if self._control.stopped:
                return

    def _played(self, part: "_Part") -> Generator[Playable, None, "_Part | None"]:
        """Yield the messages of a part; return the one that follows a seek."""
        for message in part.read():
            if self._control.stopped:
                return None
            if len(self._control.seeks) > self._followed:
                return self._sought(part, due_ms(message))
            yield from part.placed(message)
        return None

    def _sought(self, part: "_Part", at_ms: int) -> "_Part":
        """Return the part that the seeks lead to; it goes on where the line of time has come."""
        play, seeks = part.play, self._control.seeks[self._followed :]
        self._followed += len(seeks)
        windows = max(0, at_ms + sum(seeks) - play.from_ms) // self._window_ms
        start_ms = self._boundary(play, part.reached_ms())
        return _Part(play, play.from_ms + windows * self._window_ms, start_ms, part.streams)

    def _boundary(self, play: Play, after_ms: int) -> int:
        """Return the first start of a window of the play at or after a time, not before the play's own."""
        return play.start_ms + -(-max(0, after_ms - play.start_ms) // self._window_ms) * self._window_ms


def beside(players: Sequence[Player]) -> Iterator[Playable]:
    """Yield the messages of several players in the order in which they are due."""
    return heapq.merge(*(player.messages() for player in players), key=due_ms)


class _Stream:
    """What was sent of a party's modality: where it stands, and whether it has ended."""

    def __init__(self, first: Envelope) -> None:
        self._last = first
        self.next_seq = 0
        self.reached_ms = 0
        self.ended = False

    def sent(self, message: Envelope) -> None:
        """Take note of a message."""
        self._last, self.next_seq = message, message.seq + 1
        self.reached_ms = max(message.end_ms, message.watermark_ms)
        self.ended = isinstance(message, EndOfStream)

    def end(self, at_ms: int) -> EndOfStream:
        """Return the end of the stream at a time."""
        self.ended = True
        times = {"start_ms": at_ms, "end_ms": at_ms, "watermark_ms": at_ms}
        return EndOfStream.model_validate(self._last.envelope() | times | {"seq": self.next_seq})


class _Part:
    """A source from one position on, and where it lies on the line of time."""

    def __init__(
        self, play: Play, from_ms: int, start_ms: int, streams: dict[StreamKey, _Stream] | None = None
    ) -> None:
        self.play, self.streams = play, {} if streams is None else streams
        self._from_ms, self._shift_ms = from_ms, start_ms - from_ms
        self._to_ms = play.until_ms if play.cut else FOREVER_MS
        self._numbers: dict[StreamKey, int] = {}  # from numbers of the source to those that are sent

    def read(self) -> Iterator[Playable]:
        """Read from the source whatever may lie in the part."""
        until_ms = self._to_ms + AFTER_MS if self.play.cut else None
        return self.play.source.read(max(0, self._from_ms - BEFORE_MS), until_ms)

    def placed(self, message: Playable) -> Iterator[Playable]:
        """Yield a message as it is played, if anything of it lies in the part."""
        if isinstance(message, Observations):
            items = tuple(placed for item in message.items if (placed := self._placed(item)))
            if items:
                yield message.model_copy(update={"items": items})
        elif (own := self._placed(message)) is not None:
            yield own

    def reached_ms(self) -> int:
        """Return the time that nothing earlier may follow."""
        return max((stream.reached_ms for stream in self.streams.values()), default=0)

    def end_ms(self) -> int:
        """Return when the part ends, once all of it was read."""
        return self._to_ms + self._shift_ms if self.play.cut else self.reached_ms()

    def _placed(self, item: E) -> E | None:
        key = item.party, item.modality
        times = self._times(item)
        if times is None or (key in self.streams and self.streams[key].ended):
            return None
        stream = self.streams.setdefault(key, _Stream(item))
        number = self._numbers.setdefault(key, stream.next_seq - item.seq)
        who = {"session_id": self.play.session_id, "run": self.play.run, "seq": item.seq + number}
        placed = item.model_copy(update=who | times)
        stream.sent(placed)
        return placed

    def _times(self, item: Envelope) -> dict[str, int] | None:
        """Return the times of a message on the line of time; None where nothing of it lies in the part."""
        start_ms, end_ms = max(item.start_ms, self._from_ms), min(item.end_ms, self._to_ms)
        if isinstance(item, EndOfStream):
            if item.end_ms > self._to_ms:
                return None
            end_ms = start_ms = max(item.end_ms, self._from_ms)
        elif item.start_ms == item.end_ms:
            if not self._from_ms <= item.start_ms < self._to_ms:
                return None
        elif start_ms >= end_ms:
            return None
        watermark_ms = max(start_ms, min(item.watermark_ms, self._to_ms))
        times = {"start_ms": start_ms, "end_ms": end_ms, "watermark_ms": watermark_ms}
        return {name: value + self._shift_ms for name, value in times.items()}
