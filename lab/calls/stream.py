"""A recording through the path of the stream: chunks, the audio worker's analyst, the join, the fusion."""

from collections.abc import Iterator

from affectstream.lab.calls.recordings import Recording
from affectstream.producers.chunks import Chunk, Chunker
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import AudioChunk, EndOfStream, FusedEmotion, Observation
from affectstream.workers.audio import AudioAnalyst
from affectstream.workers.fusion.offline import offline_join
from affectstream.workers.observe import observe

BATCH = 64
SESSION = "bench"


class Stream:
    """Finals of recordings, each as the customer of a call with nothing but sound."""

    def __init__(self, analyst: AudioAnalyst, settings: Settings) -> None:
        self._analyst, self._settings = analyst, settings

    def finals(self, call: Recording) -> list[FusedEmotion]:
        """Return the final windows of a recording in order, as ``analyze`` writes them."""
        join = offline_join(self._settings.fusion)
        return [
            window
            for observations in self._observations(call)
            for window in join.push(*observations)
            if window.pane == "final"
        ]

    def _observations(self, call: Recording) -> Iterator[list[Observation]]:
        batch: list[AudioChunk | EndOfStream] = []
        for message in self._messages(call):
            batch.append(message)
            if len(batch) == BATCH or message.type == "eos":
                yield [outcome.observation for outcome in observe(self._analyst, batch)]
                batch = []

    def _messages(self, call: Recording) -> Iterator[AudioChunk | EndOfStream]:
        producer = self._settings.producer
        chunker = Chunker(call.rate_hz, producer.chunk_ms, producer.hop_ms)
        chunks = [*chunker.push(call.samples), *chunker.finish()]
        yield from (_message(chunk, seq, call.rate_hz) for seq, chunk in enumerate(chunks))
        yield EndOfStream.model_validate(_envelope(len(chunks), chunker.end_ms, chunker.end_ms))


def _message(chunk: Chunk, seq: int, rate_hz: int) -> AudioChunk:
    fields = _envelope(seq, chunk.start_ms, chunk.end_ms)
    return AudioChunk.model_validate({**fields, "pcm": chunk.pcm, "rate_hz": rate_hz})


def _envelope(seq: int, start_ms: int, end_ms: int) -> dict[str, object]:
    return {
        "session_id": SESSION,
        "party": "customer",
        "modality": "audio",
        "seq": seq,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "watermark_ms": end_ms,
        "expects": ("audio",),
    }
