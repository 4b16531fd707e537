"""A recording through the path of the stream: chunks, the workers' analysts, the join, the fusion."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from affectstream.lab.calls.recordings import Recording
from affectstream.producers.chunks import Chunk, Chunker
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import (
    AudioChunk,
    EndOfStream,
    FusedEmotion,
    Modality,
    Observation,
    Transcript,
)
from affectstream.workers.audio import AudioAnalyst
from affectstream.workers.fusion.offline import offline_join
from affectstream.workers.observe import observe
from affectstream.workers.text import TextAnalyst

BATCH = 64
SESSION = "bench"

Sound = Iterable[AudioChunk | EndOfStream]
Messages = Iterator[AudioChunk | Transcript | EndOfStream]
Words = Callable[[Sound], Messages]
"""What puts transcripts among the messages of a party's sound."""


class Stream:
    """Finals of recordings, each as the customer of a call with nothing but sound, or sound and words."""

    def __init__(self, analyst: AudioAnalyst, settings: Settings, reader: TextAnalyst | None = None) -> None:
        """``reader`` reads the words of calls that have any."""
        self._analyst, self._settings, self._reader = analyst, settings, reader

    def finals(self, call: Recording, words: Words | None = None) -> list[FusedEmotion]:
        """Return the final windows of a recording in order, as ``analyze`` writes them."""
        join = offline_join(self._settings.fusion)
        heard: Messages = self._sound(call, ("audio",))
        if words is not None:
            heard = words(self._sound(call, ("audio", "text")))
        return [
            window
            for observations in self._observations(heard)
            for window in join.push(*observations)
            if window.pane == "final"
        ]

    def hearing(self, analyst: AudioAnalyst) -> "Stream":
        """Return the same with another voice model."""
        return Stream(analyst, self._settings, self._reader)

    def _observations(self, coming: Messages) -> Iterator[list[Observation]]:
        analysts = [analyst for analyst in (self._analyst, self._reader) if analyst]
        while batch := list(islice(coming, BATCH)):
            for analyst in analysts:
                own = [message for message in batch if message.modality == analyst.modality]
                yield [outcome.observation for outcome in observe(analyst, own)]

    def _sound(self, call: Recording, expects: tuple[Modality, ...]) -> Iterator[AudioChunk | EndOfStream]:
        producer = self._settings.producer
        chunker = Chunker(call.rate_hz, producer.chunk_ms, producer.hop_ms)
        chunks = [*chunker.push(call.samples), *chunker.finish()]
        for seq, chunk in enumerate(chunks):
            yield _message(chunk, seq, call.rate_hz, expects)
        yield EndOfStream.model_validate(_envelope(len(chunks), chunker.end_ms, chunker.end_ms, expects))


def _message(chunk: Chunk, seq: int, rate_hz: int, expects: tuple[Modality, ...]) -> AudioChunk:
    fields = _envelope(seq, chunk.start_ms, chunk.end_ms, expects)
    sound = {"pcm": chunk.pcm, "rate_hz": rate_hz, "transcribe": "text" in expects}
    return AudioChunk.model_validate(fields | sound)


def _envelope(seq: int, start_ms: int, end_ms: int, expects: tuple[Modality, ...]) -> dict[str, object]:
    return {
        "session_id": SESSION,
        "party": "customer",
        "modality": "audio",
        "seq": seq,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "watermark_ms": end_ms,
        "expects": expects,
    }
