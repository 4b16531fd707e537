"""JPEG bytes to a BGR picture, no larger than needed, its header checked before anything is decoded.

OpenCV would also read PNG, TIFF and more, at whatever size they claim; a frame is a JPEG of bounded size.
"""

import os
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from affectstream.schemas.errors import InputError

MAX_PIXELS = 8_000_000
MAX_SCANS = 64  # of a progressive file; each costs a pass over all pixels, and a useful file has about ten

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))  # read once, when cv2 is imported

import cv2  # noqa: E402

Image = npt.NDArray[np.uint8]

REDUCED = ((2, cv2.IMREAD_REDUCED_COLOR_2), (4, cv2.IMREAD_REDUCED_COLOR_4), (8, cv2.IMREAD_REDUCED_COLOR_8))

START, END, SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, of any kind
BARE_MARKERS = frozenset(range(0xD0, 0xD8)) | {0x01}  # without a length


def decode(jpeg: bytes, enough_px: int | None = None) -> Image:
    """Return the picture (height, width, 3) in ``jpeg``; raises InputError, never with content.

    With ``enough_px`` it is decoded at a half, a quarter or an eighth of its size, as long as its longer side
    keeps that many pixels: at a half, 1280 x 720 takes 2 ms instead of 6.
    """
    jpeg, longest = _checked(jpeg, MAX_PIXELS), max(size(jpeg))
    try:
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), _flag(longest, enough_px))
    except cv2.error:
        picture = None
    if picture is None:
        raise InputError("a JPEG that cannot be decoded")
    return np.asarray(picture, dtype=np.uint8)


def fitted(data: bytes, most_pixels: int) -> bytes:
    """Return a picture (JPEG, PNG or WebP) as a JPEG that `decode` takes, scaled down where it is larger.

    Raises InputError for what is no picture, or has more than ``most_pixels``. A JPEG is decoded at the size
    that is needed; a PNG or WebP is decoded whole, where OPENCV_IO_MAX_IMAGE_PIXELS permits that.
    """
    flag = cv2.IMREAD_COLOR
    if data.startswith(START):
        width, height = size(data)
        if width * height <= MAX_PIXELS:
            return data
        data = _checked(data, most_pixels)
        flag = next(each for shrink, each in REDUCED if width * height <= MAX_PIXELS * shrink**2)
    try:
        picture: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
        height, width = picture.shape[:2]
        if (share := MAX_PIXELS / (width * height)) < 1:
            smaller = int(width * share**0.5), int(height * share**0.5)
            picture = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
        _, packed = cv2.imencode(".jpg", picture)
    except (cv2.error, AttributeError):  # the latter: it is no picture
        raise InputError(
            f"no picture that can be read: JPEG, PNG or WebP of at most {most_pixels} pixels"
        ) from None
    return packed.tobytes()


def _checked(jpeg: bytes, most_pixels: int) -> bytes:
    """Return a JPEG without what lies behind it; raises InputError where it is not worth decoding."""
    width, height = size(jpeg)
    if not 0 < width * height <= most_pixels:
        raise InputError(f"a JPEG of {width}x{height} pixels; at most {most_pixels} are decoded")
    if jpeg.count(SCAN) > MAX_SCANS:
        raise InputError(f"a JPEG of more than {MAX_SCANS} scans")
    end = jpeg.find(END, _after_header(jpeg))  # phones and cameras put more behind it
    if end < 0:
        raise InputError("a JPEG that is cut off")
    return jpeg[: end + len(END)]


def _flag(longest: int, enough_px: int | None) -> int:
    """Return OpenCV's flag of the smallest scale that leaves ``enough_px`` of ``longest``."""
    kept = [flag for shrink, flag in REDUCED if enough_px is not None and longest >= shrink * enough_px]
    return kept[-1] if kept else cv2.IMREAD_COLOR


def size(jpeg: bytes) -> tuple[int, int]:
    """Return the width and height that the header of ``jpeg`` states; raises InputError."""
    try:
        at = next(at for marker, at in _segments(jpeg) if marker in FRAME_MARKERS)
        height, width = struct.unpack_from(">HH", jpeg, at + 5)
    except (IndexError, struct.error):
        raise InputError("a JPEG without a frame") from None
    return width, height


def _after_header(jpeg: bytes) -> int:
    """Return where the picture's own data begins, after what may hold a smaller picture."""
    try:
        return next(at for marker, at in _segments(jpeg) if marker in (SCAN[1], END[1]))
    except (IndexError, struct.error):
        return len(jpeg)


def _segments(jpeg: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment and its place, without end; raises InputError for a broken one."""
    if jpeg[:2] != START:
        raise InputError("not a JPEG")
    at = 2
    while True:
        if jpeg[at] != 0xFF:
            raise InputError("a JPEG with a broken header")
        yield jpeg[at + 1], at
        at += _length(jpeg, at, jpeg[at + 1])


def _length(jpeg: bytes, at: int, marker: int) -> int:
    """Return the bytes from one marker to the next; a fill byte counts as one."""
    if marker == 0xFF:
        return 1
    if marker in BARE_MARKERS:
        return 2
    length: int = struct.unpack_from(">H", jpeg, at + 2)[0]
    return 2 + length
