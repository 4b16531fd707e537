"""One face followed through a window, from the boxes of its frames.

The worker keeps no state, so who is who is decided here, in event order, within one window: the largest face
of the window is the one meant, and from its frame it is followed forwards and backwards to the face that
overlaps it most (intersection over union). A frame in which nothing overlaps it enough has no say.
"""

from collections.abc import Iterable, Sequence

from affectstream.schemas.messages import Face, Probabilities

MIN_IOU = 0.3  # at 5 frames per second a head that turns or nods keeps more than this

Box = tuple[float, float, float, float]


def follow(frames: Sequence[Probabilities]) -> list[Face | None]:
    """Return per frame the face that is followed; None where it is not there or the frame lists no faces."""
    followed: list[Face | None] = [None] * len(frames)
    seed = _largest(frames)
    if seed is None:
        return followed
    index, face = seed
    followed[index] = face
    _walk(frames, range(index + 1, len(frames)), face, followed)
    _walk(frames, range(index - 1, -1, -1), face, followed)
    return followed


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes (left, top, width, height)."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0.0 or height <= 0.0:
        return 0.0
    shared = width * height
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def _largest(frames: Sequence[Probabilities]) -> tuple[int, Face] | None:
    """Return the largest face and its frame; the first of equals."""
    best: tuple[int, Face] | None = None
    for index, frame in enumerate(frames):
        for face in frame.faces:
            if best is None or _area(face) > _area(best[1]):
                best = index, face
    return best


def _walk(
    frames: Sequence[Probabilities], order: Iterable[int], face: Face, followed: list[Face | None]
) -> None:
    for index in order:
        match = max(frames[index].faces, key=lambda other: iou(face.box, other.box), default=None)
        if match is not None and iou(face.box, match.box) >= MIN_IOU:
            face = match
            followed[index] = match


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]
