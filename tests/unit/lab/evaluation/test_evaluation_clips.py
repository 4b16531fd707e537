"""The face pipeline over a video file: every n-th frame, the largest face, qualities as weights."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from affectstream.lab.evaluation.clips import ClipFaces, frames, predicted
from affectstream.models.face.model import FaceModel
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four frames of a portrait, then four of a gray wall."""
    path = tmp_path_factory.mktemp("clip") / "portrait.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (512, 512))
    portrait = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    for frame in [portrait] * 4 + [np.full_like(portrait, 90)] * 4:
        writer.write(frame)
    writer.release()
    return path


def test_every_second_frame_is_looked_at_and_only_faces_are_cut_out(video: Path) -> None:
    model = FaceModel()
    model.load("cpu")
    seen = predicted(video, model, every=2)
    assert seen.frames == 4
    assert len(seen.crops) == 2
    assert EMOTIONS[int(seen.mean().argmax())] == "happy"


def test_the_mean_weighs_with_quality_and_is_uniform_where_nothing_was_seen() -> None:
    rows = np.eye(7)[[1, 2]]
    assert ClipFaces(2, [], np.array([0.9, 0.3]), rows).mean()[1:3] == pytest.approx([0.75, 0.25])
    assert ClipFaces(2, [], np.zeros(0), np.zeros((0, 7))).mean() == pytest.approx([1 / 7] * 7)


def test_a_file_that_is_no_video_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(InputError, match="not a video"):
        list(frames(tmp_path / "text.mp4", 1))
