"""The colours of emotions and modalities, under full and under colour-deficient vision."""

from itertools import combinations

import numpy as np
import pytest
from colorspacious import cspace_convert

from affectstream.schemas.labels import COLOURS, MODALITY_COLOURS

VISIONS = ["full", "deuteranomaly", "protanomaly"]
EMOTIONS_APART, MODALITIES_APART, MIXED_APART = 20.0, 20.0, 10.0  # in CAM02-UCS, where 1 is just noticeable


def perceived(colour: str, vision: str) -> np.ndarray:
    """Return a colour in CAM02-UCS as a vision perceives it (Machado et al. 2009, severity 100)."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    if vision != "full":
        rgb = cspace_convert(rgb, {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100}, "sRGB1")
    return np.asarray(cspace_convert(np.clip(rgb, 0, 1), "sRGB1", "CAM02-UCS"))


@pytest.mark.parametrize("vision", VISIONS)
def test_every_two_emotions_can_be_told_apart(vision: str) -> None:
    seen = {name: perceived(colour, vision) for name, colour in COLOURS.items()}
    for a, b in combinations(seen, 2):
        assert np.linalg.norm(seen[a] - seen[b]) >= EMOTIONS_APART, (a, b)


@pytest.mark.parametrize("vision", VISIONS)
def test_modalities_can_be_told_apart_and_from_every_emotion(vision: str) -> None:
    emotions = {name: perceived(colour, vision) for name, colour in COLOURS.items()}
    modalities = {name: perceived(colour, vision) for name, colour in MODALITY_COLOURS.items()}
    for a, b in combinations(modalities, 2):
        assert np.linalg.norm(modalities[a] - modalities[b]) >= MODALITIES_APART, (a, b)
    for m in modalities:
        for e in emotions:
            assert np.linalg.norm(modalities[m] - emotions[e]) >= MIXED_APART, (m, e)


def test_modalities_differ_in_lightness_so_that_black_and_white_is_enough() -> None:
    lightness = sorted(perceived(colour, "full")[0] for colour in MODALITY_COLOURS.values())
    assert min(np.diff(lightness)) >= 20
