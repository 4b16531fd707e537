"""A recording as an MCAP file whose pictures and sound have the schemas that Foxglove's panels show."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcap.writer import CompressionType, Writer

from affectstream.recordings_export import Written, hop_of
from affectstream.runtime.recording import Recording
from affectstream.runtime.recording.record import ENCODING, NS_PER_MS, RECORDED, SCHEMA_ENCODING
from affectstream.schemas.messages import AudioChunk, VideoFrame
from affectstream.schemas.topics import CHUNKS, FRAMES

FILE = "foxglove.mcap"
IMAGE, AUDIO = "foxglove.CompressedImage", "foxglove.RawAudio"
NS_PER_S = 1_000_000_000

_BYTES = {"type": "string", "contentEncoding": "base64"}
_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}
_TIME = {"type": "object", "properties": {"sec": _COUNT, "nsec": _COUNT | {"maximum": NS_PER_S - 1}}}
FIELDS = {  # as https://docs.foxglove.dev/docs/sdk/schemas names them
    IMAGE: {"timestamp": _TIME, "frame_id": _TEXT, "data": _BYTES, "format": _TEXT},
    AUDIO: {
        "timestamp": _TIME,
        "data": _BYTES,
        "format": _TEXT,
        "sample_rate": _COUNT,
        "number_of_channels": _COUNT,
    },
}


def export_foxglove(found: Recording, folder: Path) -> Iterator[Written]:
    """Write pictures, sound, and all else as it was recorded into one file; yields what was written.

    The time of a message is the event time of its start for pictures and sound, else that of the recording.
    """
    target = folder / FILE
    with target.open("wb") as file:
        made = _File(Writer(file, compression=CompressionType.ZSTD))
        for each in found.messages([FRAMES, CHUNKS]):
            message = each.message
            if isinstance(message, VideoFrame) and message.jpeg:
                made.add(f"video/{message.party}", IMAGE, message.start_ms, _image(message))
            elif isinstance(message, AudioChunk) and message.pcm:
                made.add(f"audio/{message.party}", AUDIO, message.start_ms, _audio(message))
        made.copy(found, [topic.name for topic in RECORDED if topic not in (FRAMES, CHUNKS)])
        made.finish()
    yield str(target), made.messages.total()


def _image(frame: VideoFrame) -> dict[str, Any]:
    return {"frame_id": frame.party, "data": b64encode(frame.jpeg).decode(), "format": "jpeg"}


def _audio(chunk: AudioChunk) -> dict[str, Any]:
    data = b64encode(hop_of(chunk)).decode()
    return {"data": data, "format": "pcm-s16", "sample_rate": chunk.rate_hz, "number_of_channels": 1}


class _File:
    """An MCAP file that is written: channels and schemas are registered when first needed."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._writer.start(library="affectstream")
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self.messages: Counter[str] = Counter()  # by channel

    def add(self, name: str, kind: str, at_ms: int, fields: dict[str, Any]) -> None:
        """Add a message of one of Foxglove's schemas."""
        sec, nsec = divmod(at_ms * NS_PER_MS, NS_PER_S)
        schema = {"title": kind, "type": "object", "properties": FIELDS[kind], "required": list(FIELDS[kind])}
        channel = self._channel(name, kind, json.dumps(schema).encode())
        data = json.dumps({"timestamp": {"sec": sec, "nsec": nsec}, **fields}).encode()
        self._put(name, channel, at_ms * NS_PER_MS, at_ms * NS_PER_MS, data)

    def copy(self, found: Recording, topics: list[str]) -> None:
        """Add messages of a recording as they are."""
        for channel, raw in found.raw(topics):
            schema = found.written.summary.schemas[channel.schema_id]
            number = self._channel(channel.topic, schema.name, schema.data)
            self._put(channel.topic, number, raw.log_time, raw.publish_time, raw.data)

    def finish(self) -> None:
        """Write the index."""
        self._writer.finish()  # type: ignore[no-untyped-call]

    def _channel(self, name: str, kind: str, schema: bytes) -> int:
        if kind not in self._schemas:
            self._schemas[kind] = self._writer.register_schema(kind, SCHEMA_ENCODING, schema)
        if name not in self._channels:
            self._channels[name] = self._writer.register_channel(name, ENCODING, self._schemas[kind])
        return self._channels[name]

    def _put(self, name: str, channel: int, log_ns: int, publish_ns: int, data: bytes) -> None:
        self._writer.add_message(channel, log_ns, data, publish_ns, self.messages[name])
        self.messages[name] += 1
