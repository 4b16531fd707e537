"""A microphone as chunks of sound, stamped with the wall clock at capture.

``python -m affectstream.producers.microphone --session call-1``; ``--device``
takes a device's number or part of its name.
"""

import argparse
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from affectstream.producers.chunks import Chunk, Chunker, Samples, Timeline
from affectstream.producers.live import LivePlan, MonotonicWallClock, parser, plan, publish
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.process import Stop, run
from affectstream.runtime.settings import load
from affectstream.schemas.errors import InputError, Unavailable
from affectstream.schemas.messages import AudioChunk, EndOfStream

JITTER_MS = 100  # of the wall clock against the sound card; beyond, samples were lost or the clocks drifted
PAUSE_MS = 10_000  # a longer gap, as of a sleeping laptop, is not filled: a new signal begins
HIGHEST_HZ = 48_000
BLOCK_MS = 50
MOST_WAITING = 600  # half a minute, should the broker not answer


@dataclass(frozen=True)
class Block:
    """Mono samples from the sound card, full scale 1."""

    at_ms: int  # of the first sample, since the epoch
    samples: Samples


@dataclass(frozen=True)
class MicrophonePlan:
    """The microphone, and how its sound is cut."""

    live: LivePlan
    device: str | None = None
    chunk_ms: int = 2000
    hop_ms: int = 1000


class _Segment:
    """A continuous signal between two long pauses."""

    def __init__(self, plan: MicrophonePlan, rate_hz: int, zero_ms: int) -> None:
        self.zero_ms = zero_ms
        self._timeline = Timeline(rate_hz, JITTER_MS)
        self._chunker = Chunker(rate_hz, plan.chunk_ms, plan.hop_ms, zero_ms)

    @property
    def end_ms(self) -> int:
        return self.zero_ms + self._chunker.end_ms

    def add(self, block: Block) -> Iterator[Chunk]:
        for part in self._timeline.place(Fraction(block.at_ms - self.zero_ms, 1000), block.samples):
            yield from self._chunker.push(part)

    def finish(self) -> Iterator[Chunk]:
        return self._chunker.finish()


def chunks(plan: MicrophonePlan, rate_hz: int, blocks: Iterator[Block]) -> Iterator[AudioChunk | EndOfStream]:
    """Yield the chunks of the blocks and, when these end, the end of the stream; pure.

    Lost samples become silence, so that every chunk keeps its time.
    """
    plan.live.check("audio")
    segment: _Segment | None = None
    seq, end_ms = 0, 0

    def message(chunk: Chunk) -> AudioChunk:
        nonlocal seq
        assert segment
        start_ms, end_ms = segment.zero_ms + chunk.start_ms, segment.zero_ms + chunk.end_ms
        seq += 1
        return AudioChunk(
            **plan.live.base(),
            seq=seq - 1,
            start_ms=start_ms,
            end_ms=end_ms,
            watermark_ms=end_ms,
            pcm=chunk.pcm,
            rate_hz=rate_hz,
            transcribe=plan.live.transcribe,
        )

    for block in blocks:
        if segment and block.at_ms - segment.end_ms > PAUSE_MS:
            yield from map(message, segment.finish())
            segment = None
        segment = segment or _Segment(plan, rate_hz, block.at_ms)
        yield from map(message, segment.add(block))
        end_ms = segment.end_ms
    if segment:
        yield from map(message, segment.finish())
    yield plan.live.end("audio", seq, end_ms or wall_ms())


@contextmanager
def microphone(
    device: str | None, halted: threading.Event, now_ms: Callable[[], int] = wall_ms
) -> Iterator[tuple[int, Iterator[Block]]]:
    """Open a microphone and yield its rate in Hz and its blocks until ``halted``."""
    sounddevice = _sounddevice()
    name = int(device) if device is not None and device.isdigit() else device
    rate_hz = _rate_hz(sounddevice, name)
    waiting: queue.Queue[Block] = queue.Queue(MOST_WAITING)
    clock = MonotonicWallClock(now_ms)

    def on_block(data: Any, count: int, time: Any, status: Any) -> None:
        age_s = time.currentTime - time.inputBufferAdcTime if time.inputBufferAdcTime else count / rate_hz
        block = Block(clock() - round(age_s * 1000), data[:, 0].copy())
        with suppress(queue.Full):  # what is left out becomes silence
            waiting.put_nowait(block)

    try:
        stream = sounddevice.InputStream(
            samplerate=rate_hz,
            blocksize=rate_hz * BLOCK_MS // 1000,
            device=name,
            channels=1,
            dtype="float32",
            callback=on_block,
        )
    except sounddevice.PortAudioError:
        raise _no_device(sounddevice, device) from None
    with stream:
        yield rate_hz, _blocks(waiting, halted, lambda: stream.active)


def _blocks(
    waiting: queue.Queue[Block], halted: threading.Event, active: Callable[[], bool]
) -> Iterator[Block]:
    while True:
        try:
            yield waiting.get(timeout=0.2)
        except queue.Empty:
            if halted.is_set():
                return
            if not active():
                return
        else:
            if halted.is_set():
                return


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise InputError("a microphone needs sounddevice; `pip install affectstream[capture]`") from None
    except OSError:
        raise InputError("a microphone needs PortAudio; on Debian `apt-get install libportaudio2`") from None
    return sounddevice


def _rate_hz(sounddevice: Any, device: int | str | None) -> int:
    try:
        found = sounddevice.query_devices(device, "input")
    except (ValueError, sounddevice.PortAudioError):
        raise _no_device(sounddevice, device) from None
    return min(HIGHEST_HZ, int(found["default_samplerate"]))


def _no_device(sounddevice: Any, device: int | str | None) -> Unavailable:
    names = [d["name"] for d in sounddevice.query_devices() if d["max_input_channels"] > 0]
    asked = "no microphone" if device is None else f"no microphone {device!r}"
    return Unavailable(f"{asked} can be opened; there is: {', '.join(names) or 'none on this machine'}")


async def main(options: argparse.Namespace, stop: Stop) -> None:
    """Publish the microphone's chunks until stopped."""
    settings = load()
    live = plan(options, settings, "audio")
    mic = MicrophonePlan(live, options.device, settings.producer.chunk_ms, settings.producer.hop_ms)

    def stream(halted: threading.Event) -> Iterator[AudioChunk | EndOfStream]:
        with microphone(mic.device, halted) as (rate_hz, blocks):
            yield from chunks(mic, rate_hz, blocks)
        if not halted.is_set():
            raise Unavailable("the microphone gives no more sound; plug it in again and restart")

    await publish(stream, settings, stop, live, "audio")


def _options() -> argparse.Namespace:
    options = parser("Publish the sound of a microphone.", "audio")
    options.add_argument("--device", help="part of the device's name, or its number; default: the system's")
    return options.parse_args()


if __name__ == "__main__":
    run(partial(main, _options()), producer="microphone")
