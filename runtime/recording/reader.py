"""A recording that is read: whose it is, what is in it, and its messages by topic and time."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from mcap.records import Channel, Message
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder
from pydantic import TypeAdapter, ValidationError

from affectstream.runtime.recording.layout import FAULTS, IndexedReader, Layout, added, grown, layout
from affectstream.runtime.recording.record import MEDIA, NS_PER_MS, Recorded, message_of
from affectstream.runtime.recordings import whole_of
from affectstream.schemas.due import WAIT_MS
from affectstream.schemas.errors import InputError, MessageError
from affectstream.schemas.fields import RunId, SessionId
from affectstream.schemas.messages import FusedEmotion, Party
from affectstream.schemas.topics import FUSED, PROBABILITIES, Topic

METADATA = "affectstream"  # the name of the metadata record that names the session
FIRST_MS = WAIT_MS + 2_000  # what starts first is due by then
FORMAT = 1  # of the files; messages carry versions of their own


@dataclass(frozen=True)
class Stream:
    """The messages of one type, topic and party."""

    topic: str
    party: str
    kind: str  # `type` of the messages
    messages: int


@dataclass(frozen=True, eq=False)
class Recording:
    """What is in a file; each call of ``messages`` reads it anew, so several may be read at once."""

    path: Path
    session_id: str
    run: str
    whole: bool  # False: it was cut off, or is being written; what is whole of it is read
    start_ms: int  # event time of what is first in it
    end_ms: int  # at which the last message was due
    streams: tuple[Stream, ...]
    written: Layout

    def holds(self, *topics: Topic) -> bool:
        """Say whether there is a message of one of the topics."""
        names = {topic.name for topic in topics}
        return any(stream.topic in names for stream in self.streams)

    def grown(self) -> "Recording":
        """Return the recording as far as it is written by now; itself where it is as it was.

        Raises InputError where it is not there any more, under this name.
        """
        try:
            found = grown(self.path, self.written)
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}") from None
        return self if found is self.written else _described(self.path, found)

    def added(self, earlier: "Recording") -> "Recording | None":
        """Return it with only the messages that were written after ``earlier``; None where that is another.

        The file may have another name meanwhile: it does once it is whole.
        """
        if (earlier.session_id, earlier.run) != (self.session_id, self.run):
            return None
        found = added(self.written, earlier.written)
        return None if found is None else replace(self, written=found)

    def messages(
        self,
        topics: Collection[Topic] | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Iterator[Recorded]:
        """Yield the messages of the topics, of all for None, that are due from ``start_ms`` to ``end_ms``.

        One that is due at ``end_ms`` is not among them. They come in the order in which they were due, those
        of one stream as they were on their topic. Raises InputError where one cannot be read.
        """
        names = None if topics is None else {topic.name for topic in topics}
        for channel, raw in self.raw(names, start_ms, end_ms):
            topic = channel.metadata["topic"]
            try:
                message = message_of(topic, raw.data)
            except MessageError as error:
                raise InputError(
                    f"{self.path}: a message of {channel.topic} cannot be read: {error}"
                ) from None
            times = raw.log_time // NS_PER_MS, raw.publish_time // NS_PER_MS
            yield Recorded(topic, message, *times, raw.sequence)

    def finals(self) -> list[FusedEmotion]:
        """Return the final windows as they were recorded; one that is on its topic twice is here once.

        Raises InputError as ``messages`` does.
        """
        found: dict[tuple[Party, int], FusedEmotion] = {}
        for each in self.messages([FUSED]):
            window = each.message
            if isinstance(window, FusedEmotion) and window.pane == "final":
                found.setdefault((window.party, window.end_ms), window)
        return list(found.values())

    def raw(
        self, topics: Collection[str] | None = None, start_ms: int | None = None, end_ms: int | None = None
    ) -> Iterator[tuple[Channel, Message]]:
        """Yield channels and messages as they lie in the file; raises InputError for a broken chunk."""
        summary = self.written.summary
        names = [
            c.topic for c in summary.channels.values() if topics is None or c.metadata["topic"] in topics
        ]
        if not names or not summary.chunk_indexes:
            return
        try:
            with _opened(self.path) as file:
                found = IndexedReader(file, summary).iter_messages(
                    names,
                    starting_at=None if start_ms is None else start_ms * NS_PER_MS,
                    ending_before=None if end_ms is None else end_ms * NS_PER_MS,
                )
                for _, channel, message in found:
                    yield channel, message
        except FAULTS as error:
            raise InputError(
                f"{self.path}: damaged: {error}; `affectstream recordings verify` says where"
            ) from None
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}") from None


def _opened(path: Path) -> IO[bytes]:
    """Open a file, also where it is whole since, and has its final name; raises OSError."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        return whole_of(path).open("rb")


def open_recording(path: Path) -> Recording:
    """Return a recording; one that was cut off as far as it is whole. Raises InputError."""
    try:
        found = layout(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return _described(path, found)


def _described(path: Path, found: Layout) -> Recording:
    named = next((each.metadata for each in found.metadata if each.name == METADATA), None)
    if named is None:
        raise InputError(f"{path}: not a recording that `affectstream record` wrote")
    if named.get("format") != str(FORMAT):
        raise InputError(f"{path}: a recording of a newer version of affectstream")
    try:
        session_id = TypeAdapter(SessionId).validate_python(named.get("session"))
        run = TypeAdapter(RunId).validate_python(named.get("run"))
        streams = tuple(_streams(found))
    except (ValidationError, KeyError):
        raise InputError(f"{path}: not a recording that `affectstream record` wrote") from None
    times = found.start_ns // NS_PER_MS, found.end_ns // NS_PER_MS
    opened = Recording(path, session_id, run, found.whole, *times, streams, found)
    return replace(opened, start_ms=_begin_ms(opened))


class _Times(Struct):
    """When what a message is about starts; of observations, each of them."""

    start: int = 1 << 53
    items: tuple["_Times", ...] = ()


def _begin_ms(opened: Recording) -> int:
    """Return the earliest start: what starts first need not be due first, as an utterance."""
    inputs = {stream.topic for stream in opened.streams} & {*MEDIA, PROBABILITIES.name}
    decode = Decoder(_Times).decode
    begin_ms = opened.start_ms
    with suppress(InputError, MsgspecError):  # whoever reads on meets the damage
        for _, raw in opened.raw(inputs or None, None, opened.start_ms + FIRST_MS):
            row = decode(raw.data)
            begin_ms = min(begin_ms, row.start, *(item.start for item in row.items))
    return begin_ms


def _streams(found: Layout) -> Iterator[Stream]:
    for number, channel in sorted(found.summary.channels.items(), key=lambda pair: pair[1].topic):
        about = channel.metadata
        yield Stream(about["topic"], about["party"], about["type"], found.counts[number])
