"""Sound of a media file as one continuous mono signal, and its chunks."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import soxr

from affectstream.producers.chunks import Chunk, Chunker, Samples, Timeline
from affectstream.producers.media import Damage, End, MediaFile, decode

LOWEST_HZ, HIGHEST_HZ = 8_000, 48_000
FULL_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2147483648.0, "flt": 1.0, "dbl": 1.0}


def mono(frame: Any, channel: int | None) -> Samples:
    """Return one channel of a decoded block, or the mean of all, as float32 with full scale 1."""
    if frame.format.name.removesuffix("p") not in FULL_SCALE:
        (frame,) = av.AudioResampler(format="dblp").resample(frame)  # 64-bit integers
    values = frame.to_ndarray()
    channels = len(frame.layout.channels)
    planes = values if frame.format.is_planar else values.reshape(-1, channels).T  # (channels, samples)
    kind = frame.format.name.removesuffix("p")
    offset = 128.0 if kind == "u8" else 0.0
    if channels == 1 or channel is not None:
        chosen = planes[min(channel or 0, channels - 1)]  # the count may change within a stream
    else:
        chosen = planes.mean(axis=0)
    samples: Samples = ((chosen - offset) / FULL_SCALE[kind]).astype(np.float32)
    if kind in ("flt", "dbl") and not np.isfinite(samples).all():
        np.nan_to_num(samples, copy=False, posinf=1.0, neginf=-1.0)
    return samples


def at_rate(samples: Samples, rate_hz: int, wanted_hz: int) -> Samples:
    """Return samples at the wanted rate: the rate may change within a stream."""
    if rate_hz == wanted_hz:
        return samples
    resampled: Samples = soxr.resample(samples, rate_hz, wanted_hz)
    return resampled


def signal(
    file: MediaFile, channel: int | None, damage: Damage, track: int = 0
) -> Iterator[tuple[int, Samples]]:
    """Yield (rate in Hz, samples) from the zero of the file on, without gaps, resampled to 8 to 48 kHz."""
    timeline, native_hz = None, 0
    resampler: soxr.ResampleStream | None = None
    for item in decode(file, "audio", damage, track):
        if timeline is None:
            native_hz = item.frame.sample_rate
            timeline = Timeline(native_hz)
            rate_hz = min(max(native_hz, LOWEST_HZ), HIGHEST_HZ)
            resampler = soxr.ResampleStream(native_hz, rate_hz, 1) if rate_hz != native_hz else None
        samples = at_rate(mono(item.frame, channel), item.frame.sample_rate, native_hz)
        for block in timeline.place(item.at, samples):
            yield rate_hz, resampler.resample_chunk(block) if resampler else block
    if resampler:
        yield rate_hz, resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def chunks(
    file: MediaFile,
    channel: int | None,
    damage: Damage,
    chunk_ms: int = 2000,
    hop_ms: int = 1000,
    zero_ms: int = 0,
    track: int = 0,
) -> Iterator[tuple[int, Chunk] | End]:
    """Yield (rate in Hz, chunk) for one track of sound of a file, then its end.

    ``zero_ms`` is the epoch time of the file's zero, from which the chunks count.
    """
    chunker: Chunker | None = None
    for rate_hz, samples in signal(file, channel, damage, track):
        chunker = chunker or Chunker(rate_hz, chunk_ms, hop_ms, zero_ms)
        yield from ((rate_hz, chunk) for chunk in chunker.push(samples))
    if chunker is None:
        yield End(0)
        return
    yield from ((chunker.rate_hz, chunk) for chunk in chunker.finish())
    yield End(chunker.end_ms)
