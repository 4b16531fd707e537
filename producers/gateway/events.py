"""What every protocol of the gateway reports about its stream: the events between bytes and messages.

A protocol is a class without I/O: ``receive(data)`` takes what arrived and returns events in order. Times are
milliseconds of the stream's own clock, from its beginning; the time of arrival is nowhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import msgspec

from affectstream.producers.gateway.sound import Decode, linear
from affectstream.schemas.consent import Consent
from affectstream.schemas.messages import AudioChunk, EndOfStream, FusedEmotion, Party, Transcript, VideoFrame

ANY = ("",)
"""A stream without an id goes on with its call's stream before it where that one's process has died."""


@dataclass(frozen=True)
class Started:
    """The stream names its call; nothing of it is processed before it is admitted."""

    call_id: str  # of the platform; about a person, so it is neither logged nor used as it is
    parties: tuple[Party, ...]  # those who may be heard
    token: str | None = field(default="", repr=False)  # None: the protocol has no place for one
    video: tuple[Party, ...] = ()  # those who may be seen
    stream_id: str = ""  # of a stream that another one may continue
    continues: tuple[str, ...] = ()  # streams that this one goes on from, the newest last
    several: bool = False  # a call may have several streams one after the other: each is a session
    words: tuple[Party, ...] = ()  # those whose words come along
    beside: bool = False  # the words are of a call that another stream brings


class Audio(msgspec.Struct, frozen=True, gc=False):
    """Mono sound of one party: 16-bit little-endian PCM, or what ``decode`` makes into it."""

    party: Party
    rate_hz: int
    data: bytes
    stream_ms: int | None  # of the first sample; None: right after the sound before
    index: int | None = None  # of the frame in its track, where the protocol counts them
    decode: Decode = linear  # thousands of frames a second are cheaper decoded together

    @property
    def pcm(self) -> bytes:
        """Return the samples."""
        return self.decode(self.data)

    def silent(self) -> "Audio":
        """Return silence of the same place and length."""
        return Audio(self.party, self.rate_hz, bytes(len(self.pcm)), self.stream_ms, self.index)

    def __repr__(self) -> str:
        return f"Audio({self.party}, {self.rate_hz} Hz, {len(self.data)} bytes)"


@dataclass(frozen=True)
class Picture:
    """One JPEG of a party, at one instant."""

    party: Party
    jpeg: bytes = field(repr=False)
    stream_ms: int


@dataclass(frozen=True)
class Words:
    """A result of a recogniser about one utterance of a party, or about a silence, which has no text."""

    party: Party
    start_ms: int  # of the stream's clock
    end_ms: int
    text: str = field(repr=False)
    final: bool  # else it may still change, and only its start counts
    language: str | None = None  # as the recogniser states it


@dataclass(frozen=True)
class Elapsed:
    """The stream's clock has gone on: about whom no words came, was silent until a while before."""


@dataclass(frozen=True)
class Paused:
    """From here on nothing may be processed, until the stream is resumed."""


@dataclass(frozen=True)
class Resumed:
    """The stream goes on."""


@dataclass(frozen=True)
class Consented:
    """What the person was told, or has said, about being processed."""

    consent: Consent


@dataclass(frozen=True)
class Dropped:
    """One message that could not be used; the stream goes on without it."""

    reason: str  # a fixed name, never content


@dataclass(frozen=True)
class Ended:
    """The stream is over, as its protocol ends it."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """The stream breaks its protocol, or may not be processed; the connection is closed."""

    reason: str  # a fixed name, never content


@dataclass(frozen=True)
class Reply:
    """What the protocol sends back."""

    data: str | bytes


class Texts(tuple[str, ...]):
    """Text messages of one connection, in order, that are taken together."""

    __slots__ = ()


Data = str | bytes | Texts
"""A message, the next bytes of a stream, or several messages."""
StreamMessage = AudioChunk | VideoFrame | Transcript | EndOfStream
OfCall = Audio | Picture | Words | Elapsed | Paused | Resumed
Event = OfCall | Consented | Started | Dropped | Ended | Refused | Reply
Todo = Sequence[Event | StreamMessage]
"""What is left to do of a message: events to handle, messages to send."""


class Fault(Exception):
    """What a stream may not do; ``reason`` is a fixed name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Heard:
    """How far a call has come that another stream goes on with, in ms since its zero."""

    head_ms: int  # of its sound
    now_ms: int  # by this machine's clock


class StreamProtocol(Protocol):
    """One connection's side of a protocol; by default that of a listener, which sends nothing back."""

    client_closes: bool = False  # the other side closes the connection, and is waited for
    gathers: bool = False  # its text messages are small and many: they may wait, to be taken together

    @property
    def asks_emotions(self) -> bool:
        """Say whether the other side wants the fused emotions back."""
        return False

    def receive(self, data: str | bytes) -> Sequence[Event]:
        """Return what ``data``, one message or the next bytes of a stream, amounts to."""
        ...

    def receive_all(self, texts: Texts) -> Sequence[Event]:
        """Return what messages of a stream that has begun amount to, as `receive` does of each."""
        return [event for text in texts for event in self.receive(text)]

    def admitted(self, session_id: str, heard: Heard | None = None) -> Sequence[Event]:
        """Return what is sent back once the call may be processed; ``heard`` of a call that goes on."""
        return []

    def refused(self, reason: str) -> Sequence[Event]:
        """Return what is sent back where it may not."""
        return []

    def ended(self, reason: str) -> Sequence[Event]:
        """Return what is sent back where this side ends the stream."""
        return []

    def stopping(self) -> Sequence[Event]:
        """Return what is sent back once this process is told to stop."""
        return []

    def emotions(self, finals: Iterable[FusedEmotion], zero_ms: int) -> Sequence[Event]:
        """Return what is sent back of the newest windows; ``zero_ms`` is the time of the call's zero."""
        return []


def events_of(protocol: StreamProtocol, data: Data | Todo) -> Iterable[Event | StreamMessage]:
    """Return what there is to do of ``data``; a message is read once those before it are handled."""
    if isinstance(data, Texts):
        return chain.from_iterable(map(protocol.receive, data))
    return protocol.receive(data) if isinstance(data, str | bytes) else data
