"""What is recorded of a record, whose file it goes to, and when nothing more of a session is to come."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from affectstream.runtime.kafka import Record
from affectstream.runtime.recording.record import MEDIA, RECORDED
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.schemas.codec import Message
from affectstream.schemas.due import Timed
from affectstream.schemas.messages import (
    DeadLetter,
    EndOfStream,
    Envelope,
    Modality,
    Observation,
    Observations,
    Party,
)

LINGER_S = 30.0  # after the last message of a session whose streams have all ended
IDLE_S = 900.0  # of one whose streams have not

Part = tuple[str, str, Timed]  # session, run, and what is recorded of it


@dataclass(frozen=True)
class Scope:
    """What is recorded of what the topics hold."""

    media: bool = True
    sessions: frozenset[str] = frozenset()  # these only; empty: all
    since_ms: int = 0  # not what arrived on the broker before

    def topics(self) -> list[str]:
        """Return the topics that are read."""
        return [topic.name for topic in RECORDED if self.media or topic.name not in MEDIA]

    def parts(self, record: Record, message: Message) -> Iterator[Part]:
        """Yield what belongs to each session, its observations party by party."""
        if record.timestamp_ms < self.since_ms or isinstance(message, DeadLetter):
            return
        for session_id, run, part in _of_sessions(message, record.run):
            if not self.sessions or session_id in self.sessions:
                yield session_id, run, part


@dataclass(eq=False)
class OpenFile:
    """A recording that is being written, and the streams that it waits for."""

    writer: RecordingWriter
    partition: int
    touched_s: float
    unflushed: int = 0  # messages
    expected: set[tuple[Party, Modality]] = field(default_factory=set)
    ended: set[tuple[Party, Modality]] = field(default_factory=set)

    def note(self, message: Timed, now_s: float) -> None:
        """Take note of a message that was added."""
        self.touched_s = now_s
        self.unflushed += 1
        for item in message.items if isinstance(message, Observations) else (message,):
            if isinstance(item, Envelope):
                self.expected.update((item.party, modality) for modality in item.expects)
            if isinstance(item, EndOfStream):
                self.ended.add((item.party, item.modality))

    def over(self, now_s: float) -> bool:
        """Say whether nothing more is to come."""
        all_ended = bool(self.ended) and self.expected <= self.ended
        return now_s - self.touched_s > (LINGER_S if all_ended else IDLE_S)


def _of_sessions(message: Message, run: str) -> Iterator[Part]:
    if isinstance(message, Observations):
        for (session_id, own, _), items in groupby(message.items, _owner):
            yield session_id, own, Observations(items=tuple(items))
    elif not isinstance(message, DeadLetter):
        yield message.session_id, getattr(message, "run", run), message


def _owner(item: Observation) -> tuple[str, str, Party]:
    return item.session_id, item.run, item.party
