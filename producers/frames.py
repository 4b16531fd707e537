"""Video frames of a media file as JPEGs, resampled to a chosen rate.

Tick k of the grid lies at round(1000 k / fps) ms. The frame at a tick is the last one whose own rounded time
is not after it, which also holds for sources of a variable rate and for containers that keep whole ms.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Any, TypeVar

import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from affectstream.producers.media import Damage, End, MediaFile, decode, milliseconds
from affectstream.schemas.errors import InputError
from affectstream.schemas.topics import FRAMES, KIB

LARGEST = FRAMES.max_bytes - 2 * KIB  # of the JPEG; the rest is for the envelope
Picture = TypeVar("Picture")

QUALITIES = (75, 60, 45, 30)  # tried in turn where the wanted one gives too large a picture


@dataclass(frozen=True)
class SampledFrame:
    """The frame at one tick of the grid."""

    at_ms: int
    jpeg: bytes


def frames(
    file: MediaFile, damage: Damage, fps: float = 5, max_side: int = 640, quality: int = 85
) -> Iterator[SampledFrame | End]:
    """Yield the frame at every tick, as JPEG, then the end of the track."""
    end_ms = 0

    def timed() -> Iterator[tuple[int, int, Any]]:
        nonlocal end_ms
        for item in decode(file, "video", damage):
            start_ms, until_ms = milliseconds(item.at), milliseconds(item.until)
            end_ms = max(end_ms, until_ms)
            yield start_ms, until_ms, item.frame

    scaler, last, jpeg = VideoReformatter(), None, b""
    for tick, frame in resample(timed(), exact_rate(fps)):
        if any(from_ms <= tick < to_ms for from_ms, to_ms in file.gaps):
            continue  # nothing was recorded: the last picture is not what is seen
        if frame is not last:
            last, jpeg = frame, to_jpeg(upright(frame, max_side, scaler), quality)
        yield SampledFrame(tick, jpeg)
    yield End(end_ms)


def resample(decoded: Iterable[tuple[int, int, Picture]], fps: Fraction) -> Iterator[tuple[int, Picture]]:
    """Yield (tick in ms, the frame at that tick) for frames of (start ms, end ms, picture).

    A frame lasts until the next one, the last one until its own end. A frame whose time is before that of the
    frame already reached is left out.
    """
    ticks = (tick_ms(k, fps) for k in count())
    tick, last = next(ticks), None
    for start_ms, end_ms, picture in decoded:
        if last is not None and start_ms < last[0]:
            continue
        while tick < start_ms:
            if last is not None:
                yield tick, last[2]
            tick = next(ticks)
        last = (start_ms, max(end_ms, start_ms + 1), picture)
    while last is not None and tick < last[1]:
        yield tick, last[2]
        tick = next(ticks)


def tick_ms(k: int, fps: Fraction) -> int:
    """Return the time of tick ``k``."""
    return milliseconds(k / fps)


def exact_rate(fps: float) -> Fraction:
    """Return the exact rate that is meant by ``fps``: 29.97 is 30000/1001."""
    if not 0.01 <= fps <= 240:
        raise InputError(f"a rate of {fps:g} frames per second is not possible; choose 0.01 to 240")
    return Fraction(fps).limit_denominator(1001)


def upright(frame: Any, max_side: int, scaler: VideoReformatter) -> NDArray[np.uint8]:
    """Return a decoded frame as BGR (height, width, 3): square pixels, turned upright, no side too long.

    One ``scaler`` for all frames of a file keeps its tables; threads cost more than they save at these sizes.
    """
    aspect = Fraction(getattr(frame, "sample_aspect_ratio", None) or 1)
    width, height = fitted(round(frame.width * aspect), frame.height, max_side)
    scaled = scaler.reformat(frame, width, height, "bgr24", interpolation="AREA", threads=1)
    bgr = scaled.to_ndarray()
    return np.ascontiguousarray(np.rot90(bgr, round(frame.rotation / 90)))


def fitted(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Return the size at which neither side is longer than ``max_side``; nothing is enlarged."""
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def to_jpeg(bgr: NDArray[np.uint8], quality: int = 85, largest: int = LARGEST) -> bytes:
    """Return a JPEG of at most ``largest`` bytes, at a lower quality or half the size if needed."""
    while True:
        for attempt in (quality, *(q for q in QUALITIES if q < quality)):
            done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, attempt])
            if not done:
                raise InputError(f"a picture of {bgr.shape[1]}x{bgr.shape[0]} could not be written as JPEG")
            if data.size <= largest:
                return data.tobytes()
        width, height = max(1, bgr.shape[1] // 2), max(1, bgr.shape[0] // 2)
        bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)
