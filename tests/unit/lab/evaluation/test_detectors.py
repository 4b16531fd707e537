"""The comparison of detectors counts what it says: places follow the pictures, hits, alarms and labels."""

import numpy as np
import pytest

from affectstream.lab.evaluation.detectors import in_the_middle, judged
from affectstream.lab.evaluation.scenes import (
    CHANGES,
    SIZE,
    Scene,
    changed,
    distant,
    overlap,
    together,
    without,
)
from affectstream.models.face.crop import Box
from affectstream.models.face.detect import Face
from affectstream.models.protocol import Predictions

BOX = Box(250, 120, 100, 100)


def marked(box: Box = BOX) -> np.ndarray:
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    x, y = round(box.x + box.width / 2), round(box.y + box.height / 2)
    picture[y - 20 : y + 20, x - 20 : x + 20] = 255
    return picture


def brightest(picture: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(picture[:, :, 0] > 60)
    return float(columns.mean()), float(rows.mean())


class OneLabel:
    def predict(self, crops):
        return Predictions.of(np.tile(np.eye(7)[3], (len(crops), 1)))


@pytest.mark.parametrize("name", [n for n in CHANGES if "light" not in n and "covered" not in n])
def test_the_known_place_follows_the_picture(name: str) -> None:
    scene = changed(Scene(marked(), (BOX,), (3,)), CHANGES[name])
    place = scene.places[0]
    middle = place.x + place.width / 2, place.y + place.height / 2
    assert brightest(scene.picture) == pytest.approx(middle, abs=1.5)


def test_a_distant_face_has_the_share_of_the_width_that_was_asked() -> None:
    scene = changed(Scene(marked(), (BOX,), (3,)), distant(0.1))
    assert scene.places[0].width == pytest.approx(0.1 * SIZE[0])


def test_four_scenes_lie_side_by_side_with_their_places() -> None:
    scenes = [
        Scene(marked(Box(40 + 100 * n, 60 + 40 * n, 80, 80)), (Box(40 + 100 * n, 60 + 40 * n, 80, 80),), (n,))
        for n in range(4)
    ]
    (four,) = together(scenes)
    assert four.labels == (0, 1, 2, 3)
    for place in four.places:
        x, y = round(place.x + place.width / 2), round(place.y + place.height / 2)
        assert four.picture[y, x, 0] > 200


def test_a_picture_without_a_face_has_the_pixels_of_the_scene_in_other_places() -> None:
    (mixed,) = without([Scene(marked(), (BOX,), (3,))])
    assert mixed.places == ()
    assert mixed.picture.sum() == marked().sum()
    assert not np.array_equal(mixed.picture, marked())


def test_hits_alarms_and_labels_are_counted() -> None:
    scenes = [Scene(marked(), (BOX,), (3,)), Scene(marked(), (BOX,), (5,)), Scene(marked(), (), ())]
    found = [[Face(BOX, 0.9)], [Face(BOX, 0.9), Face(Box(0, 0, 50, 50), 0.8)], [Face(BOX, 0.7)]]
    answers = iter(found)
    recall, alarms, same = judged(lambda _: next(answers), scenes, OneLabel())  # type: ignore[arg-type]
    assert (recall, alarms, same) == (1.0, pytest.approx(2 / 3), 0.5)


def test_overlap_and_the_square_of_a_fer_face() -> None:
    assert overlap(BOX, BOX) == 1.0
    assert overlap(BOX, Box(300, 120, 100, 100)) == pytest.approx(1 / 3)
    assert overlap(BOX, Box(0, 0, 10, 10)) == 0.0
    picture, place = in_the_middle(np.full((48, 48), 200, np.uint8), 96)
    assert place == (272, 132, 96, 96)
    assert (picture[132:228, 272:368] == 200).all()
    assert picture.astype(int).sum() == (96 * 96 * 200 + (SIZE[0] * SIZE[1] - 96 * 96) * 127) * 3
