"""What telephony platforms would send for a recording: messages with the time at which each is sent; pure.

Written from the protocols, not from the gateway's readers.
"""

import base64
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from affectstream.producers.audio import signal
from affectstream.producers.bounds import Utterance
from affectstream.producers.chunks import Samples
from affectstream.producers.frames import frames
from affectstream.producers.gateway.sound import MU_LAW
from affectstream.producers.lanes import lanes
from affectstream.producers.media import End, probe
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.errors import InputError

FRAME_MS = 20
TELEPHONE_HZ = 8_000
SLIN_KINDS = {8_000: 0x10, 12_000: 0x11, 16_000: 0x12, 24_000: 0x13, 32_000: 0x14, 44_100: 0x15, 48_000: 0x16}

Pcm = NDArray[np.int16]  # (samples,)
Timed = Iterator[tuple[int, str | bytes]]
"""Messages, each with when it is sent, in ms after the beginning of the stream."""


def recording(path: Path, rate_hz: int | None = None) -> tuple[int, list[Pcm]]:
    """Return the rate in Hz and the sound of each lane of a recording, resampled where a rate is given."""
    file = probe(path)
    if file.audio is None:
        raise InputError(f"{path}: it has no sound to stream")
    native_hz, signals = 0, []
    for lane in lanes(file):
        blocks: list[Samples] = []
        for rate, samples in signal(file, lane.channel, Counter(), lane.track):
            native_hz = rate
            blocks.append(samples)
        signals.append(np.concatenate(blocks) if blocks else np.zeros(0, np.float32))
    wanted_hz = rate_hz or native_hz
    if wanted_hz != native_hz:
        signals = [soxr.resample(each, native_hz, wanted_hz) for each in signals]
    scaled = [np.clip(np.rint(each * 32768.0), -32768, 32767).astype("<i2") for each in signals]
    return wanted_hz, scaled


def to_mu_law(pcm: Pcm) -> bytes:
    """Return the nearest mu-law codes."""
    order = np.argsort(MU_LAW, kind="stable")
    levels = MU_LAW[order].astype(np.int32)
    middles = (levels[1:] + levels[:-1]) / 2
    return order[np.searchsorted(middles, pcm)].astype(np.uint8).tobytes()


def twilio(call_id: str, tracks: Mapping[str, Pcm], token: str = "") -> Timed:
    """Yield (ms after the beginning, message) of a media stream of 8 kHz tracks, inbound and outbound."""
    stream = f"MZ{uuid.uuid5(uuid.NAMESPACE_OID, call_id).hex}"
    account = f"AC{'0' * 32}"
    numbers = iter(range(1, 1 << 31))

    def message(event: str, **body: object) -> str:
        return json.dumps({"event": event, "sequenceNumber": str(next(numbers)), **body, "streamSid": stream})

    yield 0, json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
    start = {
        "accountSid": account,
        "streamSid": stream,
        "callSid": call_id,
        "tracks": list(tracks),
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": TELEPHONE_HZ, "channels": 1},
        "customParameters": {"token": token} if token else {},
    }
    yield 0, message("start", start=start)
    step = TELEPHONE_HZ * FRAME_MS // 1000
    codes = {track: to_mu_law(pcm) for track, pcm in tracks.items()}
    longest = max(map(len, codes.values()), default=0)
    for chunk, at in enumerate(range(0, longest, step), 1):
        at_ms = at * 1000 // TELEPHONE_HZ
        for track, code in codes.items():
            if payload := code[at : at + step]:
                media = {
                    "track": track,
                    "chunk": str(chunk),
                    "timestamp": str(at_ms),
                    "payload": base64.b64encode(payload).decode(),
                }
                yield at_ms + FRAME_MS, message("media", media=media)
    stop = {"accountSid": account, "callSid": call_id}
    yield longest * 1000 // TELEPHONE_HZ, message("stop", stop=stop)


def browser(call_id: str, path: Path, producer: ProducerSettings, token: str = "") -> Timed:
    """Yield (ms after the beginning, message) of a page that sends the picture and the sound of a file.

    The frames are those that a replay of the file would send.
    """
    rate_hz, (pcm, *_) = recording(path)
    file, step = probe(path), rate_hz * FRAME_MS // 1000
    tracks: list[dict[str, object]] = [{"party": "customer", "encoding": "s16le", "rate_hz": rate_hz}]
    tracks += [{"party": "customer", "encoding": "jpeg"}] if file.video is not None else []
    start = {"type": "start", "call_id": call_id, "tracks": tracks, "token": token}
    yield 0, json.dumps(start)

    def frame(track: int, at_ms: int, body: bytes) -> bytes:
        return bytes((track,)) + at_ms.to_bytes(8, "big") + body

    def sound() -> Iterator[tuple[int, bytes]]:
        for at in range(0, len(pcm), step):
            at_ms = at * 1000 // rate_hz
            yield at_ms + FRAME_MS, frame(0, at_ms, pcm[at : at + step].tobytes())

    def pictures() -> Iterator[tuple[int, bytes]]:
        found = frames(file, Counter(), producer.fps, producer.max_side, producer.jpeg_quality)
        for item in found if file.video is not None else ():
            if not isinstance(item, End):
                yield item.at_ms, frame(1, item.at_ms, item.jpeg)

    last_ms = 0
    for at_ms, message in merge(sound(), pictures(), key=lambda timed: timed[0]):
        last_ms = at_ms
        yield at_ms, message
    yield last_ms, json.dumps({"type": "stop"})


def words(utterances: Sequence[Utterance]) -> Iterator[tuple[int, str]]:
    """Yield (ms after the beginning of the call, message) of a recogniser: partial results and finals."""
    for said in utterances:
        middle_ms, half = (said.start_ms + said.end_ms) // 2, len(said.text) // 2
        language = {"language": said.language} if said.language else {}
        for end_ms, text, final in ((middle_ms, said.text[:half], False), (said.end_ms, said.text, True)):
            times = {"start_ms": said.start_ms, "end_ms": end_ms}
            yield (
                end_ms,
                json.dumps({"type": "words", "track": 0, **times, "text": text, "final": final} | language),
            )


def audiosocket(call_id: uuid.UUID, pcm: Pcm, rate_hz: int) -> Timed:
    """Yield (ms after the beginning, message) of a connection of Asterisk's."""

    def message(kind: int, payload: bytes = b"") -> bytes:
        return bytes((kind,)) + len(payload).to_bytes(2, "big") + payload

    yield 0, message(0x01, call_id.bytes)
    step = rate_hz * FRAME_MS // 1000
    for at in range(0, len(pcm), step):
        yield at * 1000 // rate_hz + FRAME_MS, message(SLIN_KINDS[rate_hz], pcm[at : at + step].tobytes())
    yield len(pcm) * 1000 // rate_hz, message(0x00)
