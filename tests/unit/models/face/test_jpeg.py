"""Frames are decoded only after their header was believed."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.models.face import jpeg
from affectstream.schemas.errors import InputError


def picture(width=64, height=48, *flags):
    noise = np.random.default_rng(5).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.resize(noise, (width, height)), list(flags))[1].tobytes()


def claiming(width, height):
    """A JPEG whose header claims another size."""
    data = bytearray(picture())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


BASELINE = picture()
PROGRESSIVE = picture(64, 48, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
WITH_EXIF = BASELINE[:2] + b"\xff\xe1\x00\x0aExif\0\0\xff\xda" + BASELINE[2:]
WITH_FILL = BASELINE[:2] + b"\xff\xff\xff" + BASELINE[2:]
PADDED = BASELINE + b"\0\0\0"


WITH_TRAILER = BASELINE + b"SEFH" + b"trailer of the phone " * 20
WITH_THUMBNAIL = BASELINE[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(BASELINE)) + BASELINE + BASELINE[2:]


@pytest.mark.parametrize(
    "data",
    [
        BASELINE,
        PROGRESSIVE,
        WITH_EXIF,
        WITH_FILL,
        PADDED,
        WITH_TRAILER,
        PROGRESSIVE + b"trailer",
        WITH_THUMBNAIL,
    ],
)
def test_a_picture_is_decoded_at_the_size_of_its_header(data):
    assert jpeg.size(data) == (64, 48)
    assert jpeg.decode(data).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a JPEG"),
        (b"\xff\xd8", "without a frame"),
        (b"\xff\xd8\xff", "without a frame"),
        (b"\xff\xd8garbage", "broken header"),
        (b"\x89PNG\r\n\x1a\n", "not a JPEG"),
        (cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes(), "not a JPEG"),
        (BASELINE[: len(BASELINE) // 2], "cut off"),
        (BASELINE[:100], "without a frame"),
        (WITH_THUMBNAIL[:-50], "cut off"),
        (claiming(65_000, 65_000), "at most 8000000"),
        (claiming(4_000, 2_001), "at most 8000000"),
        (claiming(0, 48), "at most 8000000"),
        (BASELINE[:-2] + b"\xff\xda" * 100 + BASELINE[-2:], "scans"),
        (b"\xff\xd8" + b"\xff\xc0\x00\x11\x08\x00\x30\x00\x40" + b"\xff\xd9", "cut off"),
    ],
)
def test_what_is_no_sound_picture_of_a_bounded_size_is_refused_with_the_reason(data, why):
    with pytest.raises(InputError, match=why):
        jpeg.decode(data)


@given(st.lists(st.tuples(st.integers(0, len(BASELINE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_pictures_are_decoded_or_refused_and_never_anything_else(damage):
    data = bytearray(BASELINE)
    for at, value in damage:
        data[at] = value
    try:
        picture = jpeg.decode(bytes(data))
    except InputError:
        return
    assert picture.ndim == 3
    assert picture.dtype == np.uint8


@given(st.binary(max_size=40))
def test_any_bytes_after_the_start_of_a_picture_have_a_size_or_are_refused(data):
    try:
        width, height = jpeg.size(b"\xff\xd8" + data)
    except InputError:
        return
    assert width >= 0
    assert height >= 0


@pytest.mark.parametrize(
    ("enough", "shape"),
    [
        (None, (720, 1280)),
        (1281, (720, 1280)),
        (641, (720, 1280)),
        (640, (360, 640)),
        (320, (180, 320)),
        (8, (90, 160)),
    ],
)
def test_no_more_is_decoded_than_is_enough(enough, shape):
    assert jpeg.decode(picture(1280, 720), enough).shape == (*shape, 3)


def test_a_reduced_picture_is_the_picture_at_a_smaller_scale():
    data = picture(1280, 720)
    small = cv2.resize(jpeg.decode(data), (640, 360), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(small - jpeg.decode(data, 640).astype(int)).mean() < 2


LIMIT = 64_000_000


def test_a_picture_that_a_frame_may_have_is_left_as_it_is():
    assert jpeg.fitted(BASELINE, LIMIT) == BASELINE


@pytest.mark.parametrize(("width", "height"), [(4000, 3000), (8064, 6048), (200, 60_000)])
def test_a_photo_of_a_phone_is_scaled_down_to_what_a_frame_may_have(width, height):
    """A JPEG is decoded at a half, a quarter or an eighth: the whole picture is never in memory."""
    photo = cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()
    found = jpeg.decode(jpeg.fitted(photo, LIMIT))
    assert jpeg.MAX_PIXELS / 5 < found.shape[0] * found.shape[1] <= jpeg.MAX_PIXELS
    assert found.shape[1] / found.shape[0] == pytest.approx(width / height, rel=0.02)


def test_a_picture_of_another_format_is_a_jpeg_afterwards():
    image = cv2.imdecode(np.frombuffer(BASELINE, np.uint8), cv2.IMREAD_COLOR)
    for suffix in (".png", ".webp"):
        made = jpeg.fitted(cv2.imencode(suffix, image)[1].tobytes(), LIMIT)
        assert jpeg.size(made) == (64, 48)


@pytest.mark.parametrize(
    "data",
    [
        claiming(9000, 9000),
        picture(4000, 3000)[:-400],
        b"neither",
        b"",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_is_no_picture_or_too_large_is_refused_before_it_is_decoded(data):
    with pytest.raises(InputError, match="JPEG"):
        jpeg.fitted(data, LIMIT)
