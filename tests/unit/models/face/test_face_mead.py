"""On real clips the worker cuts faces out as training had them: the same framing, the same normalisation."""

import cv2
import numpy as np
import pytest
import torch
from support.paths import DATA

from affectstream.lab.datasets.ferplus import load_npz
from affectstream.lab.evaluation.clips import frames
from affectstream.models.face.crop import CUT, Box, face_crop
from affectstream.models.face.detect import Detector
from affectstream.models.face.model import FaceModel
from affectstream.models.face.network import standardise
from affectstream.producers.frames import fitted, to_jpeg
from affectstream.schemas.messages import VideoFrame
from affectstream.workers.video import VideoAnalyst

CLIPS = sorted((DATA / "mead").glob("*.mp4"))
pytestmark = pytest.mark.skipif(
    not CLIPS or not (DATA / "ferplus").is_dir(),
    reason=f"no MEAD clips or FER+ faces in {DATA} (AFFECT_DATA)",
)


def normalised(crops) -> np.ndarray:
    return standardise(torch.from_numpy(np.stack(crops)))[:, 0].numpy()  # (n, 48, 48)


@pytest.fixture(scope="module")
def training_face() -> np.ndarray:
    return normalised(load_npz(DATA / "ferplus" / "train.npz").images[::20]).mean(axis=0)


Seen = list[tuple[np.ndarray, list[Box]]]


@pytest.fixture(scope="module", params=CLIPS, ids=lambda path: path.stem)
def seen(request: pytest.FixtureRequest) -> Seen:
    """The frames of a clip, each with what the detector finds in it."""
    detector = Detector(most=1)
    return [(frame, [face.box for face in detector.detect(frame)]) for frame in frames(request.param, 25)]


def alike(crops, training_face) -> float:
    """Return the correlation of the mean of ``crops`` with the mean face of training."""
    return float(np.corrcoef(normalised(crops).mean(axis=0).ravel(), training_face.ravel())[0, 1])


def sent(frame) -> VideoFrame:
    height, width = frame.shape[:2]
    small = cv2.resize(frame, fitted(width, height, 640), interpolation=cv2.INTER_AREA)
    whose = {"session_id": "mead", "party": "customer", "seq": 0, "expects": ("video",)}
    return VideoFrame(**whose, start_ms=0, end_ms=0, watermark_ms=1, jpeg=to_jpeg(small))


def test_the_detectors_squares_are_framed_as_the_faces_of_training(seen: Seen, training_face):
    crops = [face_crop(frame, box) for frame, boxes in seen for box in boxes]
    assert crops
    assert alike(crops, training_face) > 0.65


def test_the_worker_cuts_out_the_middle_of_the_square(seen: Seen):
    detector = Detector(most=1)
    analyst = VideoAnalyst(FaceModel(), detector)
    crops = [crop for frame, _ in seen for crop in analyst.prepare(sent(frame)).inputs]
    share = CUT[detector.name]
    middles = [face_crop(frame, grown(box, share)) for frame, boxes in seen for box in boxes]
    assert alike(crops, normalised(middles).mean(axis=0)) > 0.98


def test_a_wider_or_a_narrower_crop_is_less_like_training(seen: Seen, training_face):
    found = [(frame, box) for frame, boxes in seen for box in boxes]
    likeness = {
        scale: alike([face_crop(frame, grown(box, scale)) for frame, box in found], training_face)
        for scale in (0.7, 1.0, 1.3)
    }
    assert likeness[1.0] > likeness[0.7] + 0.05
    assert likeness[1.0] > likeness[1.3] + 0.05


def grown(box: Box, scale: float) -> Box:
    more = (scale - 1) / 2
    return Box(box.x - more * box.width, box.y - more * box.height, box.width * scale, box.height * scale)
