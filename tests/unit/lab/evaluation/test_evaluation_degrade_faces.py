"""The degradations of faces do what their names say and keep a face a face, the same every time."""

from typing import Any

import numpy as np
import pytest

from affectstream.lab.evaluation.degrade_faces import (
    FACES,
    compressed,
    covered,
    darkened,
    eyes_covered,
    mouth_covered,
    rolled,
    shrunk,
)
from affectstream.models.face.quality import sharpness

FACE = np.random.default_rng(0).integers(1, 256, (48, 48)).astype(np.uint8)


@pytest.mark.parametrize("condition", FACES, ids=lambda condition: condition[0])
def test_a_degraded_face_is_a_crop_and_the_same_every_time(condition: tuple[Any, ...]) -> None:
    _, _, made, severities = condition
    for severity in severities:
        once, again = made(severity)(FACE), made(severity)(FACE)
        assert (once.shape, once.dtype) == ((48, 48), np.uint8)
        assert np.array_equal(once, again)
        assert not np.array_equal(once, FACE)


def test_each_degradation_takes_away_what_it_says() -> None:
    assert darkened(0.15)(FACE).mean() < 0.2 * FACE.mean()
    assert (covered(0.25)(FACE)[36:] == 0).all()
    assert np.array_equal(covered(0.25)(FACE)[:36], FACE[:36])
    assert sharpness(shrunk(10)(FACE)) < 0.2 * sharpness(FACE)
    assert not np.array_equal(compressed(10)(FACE), FACE)


def test_bars_lie_over_the_eyes_and_over_the_mouth() -> None:
    dark = [np.flatnonzero((made(0.2)(FACE) == 0).all(axis=1)) for made in (eyes_covered, mouth_covered)]
    assert [(rows.min(), rows.max()) for rows in dark] == [(13, 22), (32, 41)]


def test_a_roll_turns_about_the_middle() -> None:
    marked = np.full((48, 48), 100, np.uint8)
    marked[2:6, 22:26] = 255  # above the middle
    turned = rolled(90.0)(marked)
    assert turned[22:26, 2:6].min() > 200  # by a quarter to the left
    assert turned[2:6, 22:26].max() == 100
