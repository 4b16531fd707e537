"""Recorded probabilities of the shipped face model on unseen faces, clean and degraded.

The faces are those of FER+ PublicTest with a majority among the seven emotions, without the near duplicates
of training faces that FER2013 has across its splits.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from affectstream.lab.datasets import duplicates
from affectstream.lab.datasets.ferplus import Faces, load_npz, majority
from affectstream.lab.evaluation.degrade_faces import blurred, covered, darkened, shrunk
from affectstream.lab.fusion.logs.items import CLEAN, ProbabilityLog
from affectstream.models.face.crop import SIDE, Box, Image
from affectstream.models.face.detect import Face
from affectstream.models.face.model import FaceModel
from affectstream.models.face.quality import face_quality
from affectstream.schemas.errors import InputError

Worse = tuple[Callable[[Image], Image], float]  # what becomes of a face, and the side of its box in pixels

CONDITIONS: dict[str, Worse] = {
    CLEAN: (lambda face: face, SIDE),
    "blur, sigma 2 pixels of 48": (blurred(2.0), SIDE),
    "blur, sigma 4 pixels of 48": (blurred(4.0), SIDE),
    "15 % of the light": (darkened(0.15), SIDE),
    "6 % of the light": (darkened(0.06), SIDE),
    "lower 40 % covered": (covered(0.4), SIDE),
    "16 pixels wide": (shrunk(16), 16.0),
}
SCORE = 1.0  # these faces were cut out long ago: no detector gave them a score


def log(folder: Path, model: FaceModel) -> ProbabilityLog:
    """Return what a loaded ``model`` says about the unseen faces in ``folder``; raises InputError."""
    faces, groups = unseen(load_npz(folder / "valid.npz"), load_npz(folder / "train.npz"))
    said = [_said(model, faces, worse) for worse in CONDITIONS.values()]
    p, quality, embeddings = (np.stack(part) for part in zip(*said, strict=True))
    return ProbabilityLog(
        "video",
        "FER+ PublicTest",
        f"Faces: {model.model_id} on {len(p[0])} faces of FER+ PublicTest (majority of ten votes), not "
        "trained on and without near duplicates of training faces; quality from the picture alone, the "
        "detector's score taken as 1.",
        tuple(CONDITIONS),
        p,
        np.ones(p.shape[:2], np.bool_),
        quality,
        majority(faces.votes),
        groups,
        faces.names,
        embeddings,
    )


def unseen(faces: Faces, trained_on: Faces) -> tuple[Faces, np.ndarray[tuple[int], np.dtype[np.str_]]]:
    """Return the labelled faces that are no near duplicate of ``trained_on``, and their duplicate groups."""
    n = len(faces.images)
    together = duplicates.groups(np.concatenate([faces.images, trained_on.images]))
    kept = (majority(faces.votes) >= 0) & ~np.isin(together[:n], together[n:])
    if not kept.any():
        raise InputError("every face is a near duplicate of a training face, or has no majority")
    return faces.take(kept), np.array([f"face {g}" for g in together[:n][kept]])


def _said(
    model: FaceModel, faces: Faces, worse: Worse
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.floating]], ...]:
    change, side = worse
    crops = [change(image) for image in faces.images]
    seen = Face(Box(0, 0, side, side), SCORE)
    predictions = model.predict(crops)
    assert predictions.embeddings is not None
    quality = np.array([face_quality(crop, seen) for crop in crops])
    return predictions.p, quality, predictions.embeddings
