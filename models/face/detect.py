"""Faces in a frame: by BlazeFace, by YuNet where its file is given, else by OpenCV's frontal cascade.

Wu et al., "YuNet", MIR 2023; Viola and Jones, CVPR 2001 (the cascade of the OpenCV wheel).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from affectstream.models.face import blazeface
from affectstream.models.face.crop import Box, Image
from affectstream.models.weights import detector_file
from affectstream.schemas.errors import InputError, ModelError

REDUCED = 320  # longest side of the picture that cascade and YuNet search: 480 found no more faces
SMALLEST = 20  # pixels of the reduced picture: a face below 6 % of the frame says nothing
STEP, NEIGHBOURS = 1.1, 5
CASCADE = "haarcascade_frontalface_alt2.xml"
YUNET_SCORE = 0.6
# Where the eyes and the mouth lie in the mean face of FER2013, as shares of the side of the crop.
EYES_APART, EYES_TO_MOUTH, MIDDLE_DOWN = 0.38, 0.40, 0.57

Search = Callable[[Image], "list[Face]"]  # a BGR frame to its faces, in its pixels


@dataclass(frozen=True)
class Face:
    """One detected face: its box in pixels of the full frame and the detector's score in [0, 1]."""

    box: Box
    score: float


class Detector:
    """Finds the largest faces of a frame. One per thread: the OpenCV objects keep buffers."""

    def __init__(self, yunet: Path | None = None, most: int = 4, search: Search | None = None) -> None:
        """Load YuNet from the ONNX file ``yunet``, else BlazeFace, else the cascade; raises ModelError.

        ``search`` takes their place where it is given.
        """
        self.most = most
        weights = None if yunet else detector_file()
        self.name = "given" if search else "yunet" if yunet else "blazeface" if weights else "cascade"
        self._search = search or (yunet_search(yunet) if yunet else best_search(weights))

    def detect(self, image: Image) -> list[Face]:
        """Return at most ``most`` faces of a BGR frame (h, w, 3), largest first."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise InputError(f"a frame must be BGR uint8 (h, w, 3), not {image.dtype} {image.shape}")
        faces = self._search(image)
        faces.sort(key=lambda face: (-face.box.width * face.box.height, face.box.x, face.box.y))
        return faces[: self.most]


def best_search(weights: Path | None) -> Search:
    """Return BlazeFace with its ``weights``, or the cascade where there are none; raises ModelError."""
    if weights is None:
        return cascade_search()
    network = blazeface.BlazeFace(weights)
    return lambda image: [Face(box, score) for box, score in network.detect(image)]


def _reduced(search: Search) -> Search:
    """Return ``search`` over the frame at ``REDUCED`` pixels, its boxes in pixels of the frame."""

    def whole(image: Image) -> list[Face]:
        scale = min(1.0, REDUCED / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        reduced = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        across, down = image.shape[1] / size[0], image.shape[0] / size[1]
        return [
            Face(Box(b.x * across, b.y * down, b.width * across, b.height * down), face.score)
            for face in search(np.asarray(reduced, dtype=np.uint8))
            for b in (face.box,)
        ]

    return whole


def cascade_search() -> Search:
    """Return the search by the cascade of the OpenCV package; raises ModelError."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / CASCADE))
    if cascade.empty():
        raise ModelError(f"the OpenCV package carries no {CASCADE}; install opencv-python-headless")

    def search(image: Image) -> list[Face]:
        if min(image.shape[:2]) < SMALLEST:
            return []
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return _cascade_faces(cascade, gray) or _cascade_faces(cascade, cv2.equalizeHist(gray))

    return _reduced(search)


def _cascade_faces(cascade: cv2.CascadeClassifier, gray: cv2.typing.MatLike) -> list[Face]:
    """Search as the picture is; the caller equalises it where nothing was found: a dark room, back light."""
    boxes, counts = cascade.detectMultiScale2(gray, STEP, NEIGHBOURS, minSize=(SMALLEST, SMALLEST))
    return [Face(Box(*map(float, box)), cascade_score(int(n))) for box, n in zip(boxes, counts, strict=True)]


def cascade_score(windows: int) -> float:
    """Return the score of a face that ``windows`` windows of the cascade agree on; 8 give 0.5."""
    return windows / (windows + 8.0)


def yunet_search(path: Path) -> Search:
    """Return the search by the YuNet ONNX file at ``path``; raises ModelError."""
    if not path.is_file():
        raise ModelError(f"no YuNet model at {path}; leave the setting empty for the built-in detector")
    try:
        detector = cv2.FaceDetectorYN.create(str(path), "", (REDUCED, REDUCED), YUNET_SCORE)
    except cv2.error as error:
        raise ModelError(f"{path} is not a YuNet ONNX file that OpenCV {cv2.__version__} can read") from error

    def search(image: Image) -> list[Face]:
        detector.setInputSize((image.shape[1], image.shape[0]))
        try:
            rows = detector.detect(image)[1]
        except cv2.error as error:
            raise ModelError(f"{path} does not work as a YuNet model on frames of {image.shape}") from error
        return [] if rows is None else [from_yunet(row) for row in rows]

    return _reduced(search)


def from_yunet(row: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Face:
    """Return the face of one row of YuNet (15,): box, right eye, left eye, nose, two mouth corners, score.

    YuNet's boxes are tall and tight; the square is laid by eyes and mouth as in FER2013. The longer of the
    two distances decides, since a turned head shortens the one and a lowered head the other.
    """
    points = row[4:14].reshape(5, 2).astype(np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:5].mean(axis=0)
    apart = float(np.linalg.norm(points[0] - points[1]))
    side = max(apart / EYES_APART, float(np.linalg.norm(eyes - mouth)) / EYES_TO_MOUTH, 1.0)
    x, y = (eyes + mouth) / 2
    box = Box(float(x) - side / 2, float(y) - MIDDLE_DOWN * side, side, side)
    return Face(box, float(min(max(row[14], 0.0), 1.0)))
