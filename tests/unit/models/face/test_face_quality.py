"""The quality of a face never falls when one of its properties gets better."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from affectstream.models.face.crop import Box, face_crop
from affectstream.models.face.detect import Face
from affectstream.models.face.quality import face_quality, sharpness

GOOD = Face(Box(0, 0, 96, 96), 0.9)


def astronaut_crop() -> np.ndarray:
    frame = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    return face_crop(frame, Box(176, 65, 96, 96))


CROP = astronaut_crop()


def test_a_large_sharp_lit_face_has_full_quality() -> None:
    assert face_quality(CROP, GOOD) == 1.0


@given(st.lists(st.floats(1, 200), min_size=2, max_size=6), st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_quality_rises_with_size_and_score(sizes: list[float], scores: list[float]) -> None:
    by_size = [face_quality(CROP, Face(Box(0, 0, side, side), 0.4)) for side in sorted(sizes)]
    by_score = [face_quality(CROP, Face(Box(0, 0, 40, 40), score)) for score in sorted(scores)]
    for row in (by_size, by_score):
        assert row == sorted(row)
        assert 0.0 <= row[0] <= row[-1] <= 1.0


def test_quality_falls_with_blur() -> None:
    crops = [CROP, *(cv2.GaussianBlur(CROP, (0, 0), sigma) for sigma in (0.8, 1.5, 3.0, 6.0))]
    sharp = [sharpness(crop) for crop in crops]
    quality = [face_quality(crop, GOOD) for crop in crops]
    assert sharp == sorted(sharp, reverse=True)
    assert quality == sorted(quality, reverse=True)
    assert quality[-1] < 0.2


@pytest.mark.parametrize("gain", [0.02, 0.0])
def test_a_black_picture_has_no_quality(gain: float) -> None:
    assert face_quality((CROP * gain).astype(np.uint8), GOOD) == 0.0


def test_an_overexposed_face_loses_quality() -> None:
    crop = np.clip(CROP.astype(int) + 120, 0, 255).astype(np.uint8)
    assert face_quality(crop, GOOD) < face_quality(CROP, GOOD)


def test_a_darker_face_is_as_sharp_as_a_bright_one() -> None:
    assert sharpness((CROP * 0.6).astype(np.uint8)) == pytest.approx(sharpness(CROP), rel=0.1)
