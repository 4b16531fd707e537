"""The degradations of the robustness table do what their names say and keep a face a face."""

import numpy as np
import pytest

from models.face.quality import sharpness
from models.face.robustness import CONDITIONS, compressed, covered, darkened, shrunk

FACE = np.random.default_rng(0).integers(0, 256, (48, 48)).astype(np.uint8)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_degraded_face_is_a_crop_and_the_same_every_time(name: str) -> None:
    once, again = CONDITIONS[name](FACE), CONDITIONS[name](FACE)
    assert once.shape == (48, 48)
    assert once.dtype == np.uint8
    assert np.array_equal(once, again)


def test_each_degradation_takes_away_what_it_says() -> None:
    assert darkened(0.15)(FACE).mean() < 0.2 * FACE.mean()
    assert (covered(0.25)(FACE)[36:] == 0).all()
    assert np.array_equal(covered(0.25)(FACE)[:36], FACE[:36])
    assert sharpness(shrunk(10)(FACE)) < 0.2 * sharpness(FACE)
    assert not np.array_equal(compressed(10)(FACE), FACE)
