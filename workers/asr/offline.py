"""The recogniser in a run without a broker: a session's messages, and the transcripts of its sound."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import AudioChunk, EndOfStream, Party, Transcript
from affectstream.workers.asr.listener import Listener, listeners

M = TypeVar("M")


def with_words(
    stream: Iterable[M], load: Callable[[], Callable[[], Listener]]
) -> Iterator[M | Transcript | EndOfStream]:
    """Yield the messages of a session, each chunk whose words are wanted followed by its transcripts.

    The models are loaded with the first such chunk.
    """
    new: Callable[[], Listener] | None = None
    listeners: dict[Party, Listener] = {}
    for message in stream:
        yield message
        if isinstance(message, AudioChunk) and message.transcribe:
            new = new or load()
            if message.party not in listeners:
                listeners[message.party] = new()
            yield from listeners[message.party].hear(message)
        elif isinstance(message, EndOfStream) and message.modality == "audio" and message.party in listeners:
            yield from listeners.pop(message.party).end(message)


def recognised(
    stream: Iterable[M], settings: Settings, loading: AbstractContextManager[object]
) -> Iterator[M | Transcript | EndOfStream]:
    """Yield a session's messages with the words of its sound; the models are loaded within ``loading``."""

    def load() -> Callable[[], Listener]:
        with loading:
            return listeners(settings)

    return with_words(stream, load)
