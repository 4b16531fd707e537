"""Frames of a media file as JPEGs on the grid of a chosen rate."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from affectstream.producers.grid import milliseconds, rate, shown
from affectstream.producers.media import Damage, End, MediaFile, decode
from affectstream.schemas.errors import InputError
from affectstream.schemas.topics import FRAMES, KIB

LARGEST = FRAMES.max_bytes - 2 * KIB  # of the JPEG; the rest is for the envelope
QUALITIES = (75, 60, 45, 30)  # tried in turn where the wanted one gives too large a picture


@dataclass(frozen=True)
class Still:
    """The picture shown at a tick."""

    at_ms: int
    jpeg: bytes


def stills(
    file: MediaFile, damage: Damage, fps: float = 5, max_side: int = 640, quality: int = 85
) -> Iterator[Still | End]:
    """Yield the picture at every tick, as JPEG, then the end of the track."""
    end_ms = 0

    def timed() -> Iterator[tuple[int, int, Any]]:
        nonlocal end_ms
        for item in decode(file, "video", damage):
            start_ms, until_ms = milliseconds(item.at), milliseconds(item.until)
            end_ms = max(end_ms, until_ms)
            yield start_ms, until_ms, item.frame

    last, jpeg = None, b""
    for tick, frame in shown(timed(), rate(fps)):
        if frame is not last:
            last, jpeg = frame, to_jpeg(upright(frame, max_side), quality)
        yield Still(tick, jpeg)
    yield End(end_ms)


def upright(frame: Any, max_side: int) -> NDArray[np.uint8]:
    """Return a decoded frame as BGR (height, width, 3): square pixels, turned upright, no side too long."""
    aspect = Fraction(getattr(frame, "sample_aspect_ratio", None) or 1)
    width, height = fitted(round(frame.width * aspect), frame.height, max_side)
    bgr = frame.to_ndarray(format="bgr24", width=width, height=height, interpolation="AREA")
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
