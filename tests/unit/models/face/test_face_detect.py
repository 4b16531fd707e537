"""Detection on a photographed face: found, ordered, repeatable, and clear about a bad YuNet file."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from affectstream.models.face.detect import Detector, from_yunet
from affectstream.schemas.errors import InputError, ModelError


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


def test_the_face_of_a_portrait_is_found_where_it_is(portrait: np.ndarray) -> None:
    (face,) = Detector().detect(portrait)
    x, y, width, height = face.box
    assert x < 225 < x + width
    assert y < 110 < y + height
    assert 70 < width < 140
    assert 0.5 < face.score < 1.0


def test_boxes_are_in_pixels_of_the_full_frame(portrait: np.ndarray) -> None:
    large = cv2.resize(portrait, None, fx=3.0, fy=3.0)
    (small_face,), (large_face,) = Detector().detect(portrait), Detector().detect(large)
    assert np.allclose(np.array(large_face.box) / 3.0, small_face.box, atol=10)


def test_a_dark_room_hides_no_face(portrait: np.ndarray) -> None:
    assert len(Detector().detect((portrait * 0.15).astype(np.uint8))) == 1


def test_largest_first_and_no_more_than_asked(portrait: np.ndarray) -> None:
    frame = np.full((720, 1280, 3), 128, np.uint8)
    for left, side in ((0, 500), (540, 700)):
        frame[10 : 10 + side, left : left + side] = cv2.resize(portrait, (side, side))
    faces = Detector().detect(frame)
    widths = [face.box.width for face in faces]
    assert len(faces) == 2
    assert widths == sorted(widths, reverse=True)
    assert Detector(most=1).detect(frame) == faces[:1]


def test_the_same_frame_gives_the_same_faces(portrait: np.ndarray) -> None:
    assert Detector().detect(portrait) == Detector().detect(portrait.copy())


@pytest.mark.parametrize("shape", [(4, 4, 3), (24, 700, 3), (480, 640, 3)])
def test_frames_without_a_face_give_none(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert Detector().detect(noise) == []


def test_a_gray_frame_is_an_input_error() -> None:
    with pytest.raises(InputError, match="BGR uint8"):
        Detector().detect(np.zeros((100, 100), np.uint8))


def test_a_missing_or_corrupt_yunet_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no YuNet model"):
        Detector(yunet=tmp_path / "absent.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"this is no ONNX graph")
    with pytest.raises(ModelError, match="not a YuNet ONNX file"):
        Detector(yunet=tmp_path / "bad.onnx")


def test_a_yunet_row_gives_the_square_that_fer2013_would_have() -> None:
    # eyes 38 apart at height 137, mouth at 177: the side is 100 and the crop starts at (50, 100)
    points = [81, 137, 119, 137, 100, 155, 86, 177, 114, 177]
    face = from_yunet(np.array([60, 95, 80, 110, *points, 0.93], np.float32))
    assert np.allclose(face.box, (50, 100, 100, 100), atol=1e-3)
    assert face.score == pytest.approx(0.93)
