"""Frames of MEAD turned, darkened, reduced, covered and put side by side, with known places of the faces."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from affectstream.lab.evaluation.clips import frames
from affectstream.models.face.crop import Box, Image, face_crop
from affectstream.models.face.detect import Search
from affectstream.models.face.model import FaceModel

EVERY = 8  # frames of a clip
SIZE = (640, 360)  # what the worker decodes of 1280 x 720

Map = npt.NDArray[np.float64]  # (2, 3), an affine map of pixels
Change = Callable[[Image, Box], tuple[Image, Map]]


@dataclass(frozen=True)
class Scene:
    """A picture and where its faces lie."""

    picture: Image
    places: tuple[Box, ...]
    labels: tuple[int, ...]  # of the face model on the cascade's crop of the frame as it is


def rolled(degrees: float) -> Change:
    """Return a turn about the middle of the face."""
    return lambda picture, box: _mapped(
        picture, cv2.getRotationMatrix2D((box.x + box.width / 2, box.y + box.height / 2), degrees, 1.0)
    )


def distant(share: float) -> Change:
    """Return a reduction after which the face takes ``share`` of the frame's width."""

    def change(picture: Image, box: Box) -> tuple[Image, Map]:
        return _mapped(
            picture, cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), 0, share * SIZE[0] / box.width)
        )

    return change


def dark(light: float) -> Change:
    """Return a loss of light with the noise of a sensor."""

    def change(picture: Image, box: Box) -> tuple[Image, Map]:
        noise = np.random.default_rng(0).normal(0, 2, picture.shape)
        return np.clip(picture * light + noise, 0, 255).astype(np.uint8), np.eye(2, 3)

    return change


def covered(top: float, bottom: float) -> Change:
    """Return a gray bar over the face from ``top`` to ``bottom``, shares of its height."""

    def change(picture: Image, box: Box) -> tuple[Image, Map]:
        changed = picture.copy()
        left, right = round(box.x), round(box.x + box.width)
        changed[round(box.y + top * box.height) : round(box.y + bottom * box.height), left:right] = 110
        return changed, np.eye(2, 3)

    return change


CHANGES: dict[str, Change] = {
    "as it is": lambda picture, box: (picture, np.eye(2, 3)),
    "rolled by 15 degrees": rolled(15),
    "rolled by 30 degrees": rolled(30),
    "rolled by 45 degrees": rolled(45),
    "15 % of the light": dark(0.15),
    "6 % of the light": dark(0.06),
    "face 10 % of the width": distant(0.10),
    "face 7 % of the width": distant(0.07),
    "face 5 % of the width": distant(0.05),
    "lower 40 % covered": covered(0.6, 1.0),
    "eyes covered": covered(0.25, 0.5),
}


def _mapped(picture: Image, where: npt.NDArray[np.floating]) -> tuple[Image, Map]:
    scale = float(np.hypot(where[0, 0], where[1, 0]))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    blurred = cv2.GaussianBlur(picture, (0, 0), max(0.01, 0.4 * (1 / scale - 1)))
    changed = cv2.warpAffine(blurred, where, SIZE, flags=kind, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(changed, dtype=np.uint8), np.asarray(where, dtype=np.float64)


def _moved(box: Box, where: Map) -> Box:
    middle = where @ np.array([box.x + box.width / 2, box.y + box.height / 2, 1.0])
    side = box.width * float(np.hypot(where[0, 0], where[1, 0]))
    return Box(float(middle[0]) - side / 2, float(middle[1]) - side / 2, side, side)


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    across = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    down = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    common = max(across, 0.0) * max(down, 0.0)
    return common / (a.width * a.height + b.width * b.height - common)


def mead_scenes(folder: Path, searches: dict[str, Search], model: FaceModel) -> list[Scene]:
    """Return MEAD's frames in which every detector finds the one face."""
    scenes = []
    for clip in sorted(folder.glob("*.mp4")):
        for frame in frames(clip, EVERY):
            picture = np.asarray(cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            found = {
                name: max(faces, key=lambda face: face.box.width).box
                for name, search in searches.items()
                if (faces := search(picture))
            }
            if len(found) == len(searches):
                place = Box(*np.median(np.array(list(found.values())), axis=0))
                label = int(model.predict([face_crop(picture, found["cascade"], "cascade")]).p.argmax())
                scenes.append(Scene(picture, (place,), (label,)))
    return scenes


def changed(scene: Scene, change: Change) -> Scene:
    """Return ``scene`` after ``change``."""
    picture, where = change(scene.picture, scene.places[0])
    return Scene(picture, (_moved(scene.places[0], where),), scene.labels)


def together(scenes: Sequence[Scene]) -> Iterator[Scene]:
    """Yield four scenes at a time, each at half its size in a quarter of the picture."""
    step = len(scenes) // 4
    for row in range(step):
        four = [scenes[row + k * step] for k in range(4)]
        halves = [cv2.resize(one.picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in four]
        picture = np.vstack([np.hstack(halves[:2]), np.hstack(halves[2:])])
        places = [
            _moved(
                one.places[0],
                np.array([[0.5, 0, (k % 2) * SIZE[0] / 2], [0, 0.5, (k // 2) * SIZE[1] / 2]]),
            )
            for k, one in enumerate(four)
        ]
        yield Scene(np.asarray(picture, dtype=np.uint8), tuple(places), tuple(one.labels[0] for one in four))


def without(scenes: Sequence[Scene], block: int = 40) -> Iterator[Scene]:
    """Yield pictures without a face: the blocks of each scene in another order."""
    rng = np.random.default_rng(0)
    for scene in scenes:
        rows, columns = SIZE[1] // block, SIZE[0] // block
        blocks = (
            scene.picture.reshape(rows, block, columns, block, 3).swapaxes(1, 2).reshape(-1, block, block, 3)
        )
        mixed = rng.permutation(blocks).reshape(rows, columns, block, block, 3).swapaxes(1, 2)
        yield Scene(np.ascontiguousarray(mixed.reshape(SIZE[1], SIZE[0], 3)), (), ())
