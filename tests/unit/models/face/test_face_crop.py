"""The crop of a face: square, in the middle of its box, complete at the edge of the frame."""

import numpy as np
import pytest

from affectstream.models.face.crop import CUT, Box, face_crop
from affectstream.schemas.errors import InputError


def frame_with_disc(height: int, width: int, x: int, y: int, radius: int) -> np.ndarray:
    down, across = np.mgrid[:height, :width]
    disc = (down - y) ** 2 + (across - x) ** 2 <= radius**2
    return np.repeat(np.where(disc, 220, 30).astype(np.uint8)[:, :, None], 3, axis=2)


@pytest.mark.parametrize(("x", "y", "radius"), [(200, 150, 60), (500, 300, 24), (320, 240, 200)])
def test_a_disc_fills_the_crop_whatever_its_place_and_size(x: int, y: int, radius: int) -> None:
    image = frame_with_disc(600, 800, x, y, radius)
    crop = face_crop(image, Box(x - radius, y - radius, 2 * radius, 2 * radius))
    assert crop.shape == (48, 48)
    assert crop.dtype == np.uint8
    assert crop[24, 24] == 220
    assert (crop[[1, 1, -2, -2], [1, -2, 1, -2]] == 30).all()
    assert np.abs(crop.astype(int) - crop[:, ::-1]).mean() < 6


def test_a_tall_box_gives_a_square_about_its_middle() -> None:
    image = frame_with_disc(400, 400, 200, 200, 80)
    assert np.array_equal(face_crop(image, Box(160, 120, 80, 160)), face_crop(image, Box(120, 120, 160, 160)))


def test_over_the_edge_the_edge_is_repeated() -> None:
    image = np.full((100, 100, 3), 90, np.uint8)
    image[:, :10] = 10
    crop = face_crop(image, Box(-40, 20, 60, 60))
    assert (crop[:, :30] == 10).all()
    assert crop[:, -2].min() == 90


@pytest.mark.parametrize("box", [Box(10, 10, 0, 20), Box(200, 10, 50, 50), Box(-90, 0, 40, 40)])
def test_a_box_without_a_pixel_of_the_frame_is_an_input_error(box: Box) -> None:
    with pytest.raises(InputError, match="no pixel"):
        face_crop(np.zeros((100, 100, 3), np.uint8), box)


def test_a_gray_or_float_frame_is_an_input_error() -> None:
    for image in (np.zeros((50, 50), np.uint8), np.zeros((50, 50, 3), np.float32)):
        with pytest.raises(InputError, match="BGR uint8"):
            face_crop(image, Box(0, 0, 10, 10))


@pytest.mark.parametrize("detector", [*CUT, "another"])
def test_of_each_detectors_square_the_middle_is_cut_out_that_the_table_has(detector: str) -> None:
    image = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    share = CUT.get(detector, 1.0)
    side = 100 * share
    middle = Box(150 - side / 2, 150 - side / 2, side, side)
    assert np.array_equal(face_crop(image, Box(100, 100, 100, 100), detector), face_crop(image, middle))
