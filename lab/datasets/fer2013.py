"""FER2013's own labels, from its CSV or from folders of pictures.

Goodfellow et al., "Challenges in Representation Learning", 2013. The labels of FER+ for the same faces are in
``lab.datasets.ferplus``. Faces have no owner here; ``lab.datasets.duplicates.groups`` finds those that may
not be divided.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets.ferplus import FER2013_CLASSES, SIDE
from affectstream.lab.datasets.files import Skipped, files_below, picture, read_each
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX

SOURCE = "FER2013 (Goodfellow et al., 2013)"
USAGES = ("Training", "PublicTest", "PrivateTest")
PICTURES = frozenset({".jpg", ".jpeg", ".png"})
CSV_LAYOUT = (
    "expected the columns emotion (0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise, 6 neutral), "
    f"pixels (2,304 numbers of 0 to 255) and Usage ({', '.join(USAGES)})"
)
FOLDER_LAYOUT = (
    "expected FOLDER/train/CLASS/*.jpg and FOLDER/test/CLASS/*.jpg with the classes angry, disgust, fear, "
    "happy, neutral, sad and surprise"
)


@dataclass(frozen=True)
class Faces:
    """Gray faces with one label each, and what was left out with the reason."""

    images: npt.NDArray[np.uint8]  # (n, 48, 48)
    labels: npt.NDArray[np.int64]  # (n,), index into affectstream.schemas.labels.EMOTIONS
    usages: npt.NDArray[np.str_]  # (n,): Training, PublicTest, PrivateTest; train, test in folders
    skipped: Skipped  # a row of the CSV is named by its number


_Row = tuple[npt.NDArray[np.uint8], int, str]  # face, label, usage


def read_csv(path: Path) -> Faces:
    """Read fer2013.csv; rows that hold no face are skipped. Raises InputError for another layout."""
    rows: list[_Row] = []
    skipped: list[tuple[Path, str]] = []
    for number, fields in _fields(path):
        try:
            rows.append(_row(fields))
        except ValueError as error:
            skipped.append((path, f"row {number}: {error}"))
    if not rows:
        raise InputError(f"{path} holds no usable row: {CSV_LAYOUT}")
    return _faces(rows, tuple(skipped))


def read_folders(folder: Path) -> Faces:
    """Read the pictures of a folder per class; bad ones are skipped. Raises InputError for another layout."""
    rows, skipped = read_each(files_below(folder, PICTURES), _picture, folder, "FER2013", FOLDER_LAYOUT)
    return _faces(list(rows), skipped)


def read(path: Path) -> Faces:
    """Read either layout."""
    return read_folders(path) if path.is_dir() else read_csv(path)


def _faces(rows: list[_Row], skipped: Skipped) -> Faces:
    images, labels, usages = zip(*rows, strict=True)
    return Faces(np.stack(images), np.array(labels, dtype=np.int64), np.array(usages), skipped)


def _fields(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"emotion", "pixels", "Usage"} <= set(reader.fieldnames or ()):
                raise InputError(f"{path} is not fer2013.csv: {CSV_LAYOUT}")
            yield from enumerate(reader, start=2)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {CSV_LAYOUT}") from error


def _row(fields: dict[str, str]) -> _Row:
    code, usage = fields["emotion"], fields["Usage"]
    if code not in tuple("0123456") or usage not in USAGES:
        raise ValueError("no emotion of 0 to 6 or no known Usage")
    numbers = (fields["pixels"] or "").split()
    if len(numbers) != SIDE * SIDE or not all(n.isdecimal() and int(n) < 256 for n in numbers):
        raise ValueError(f"not {SIDE * SIDE} pixels of 0 to 255")
    face = np.array(numbers, dtype=np.uint8).reshape(SIDE, SIDE)
    return face, INDEX[FER2013_CLASSES[int(code)]], usage


def _picture(path: Path) -> _Row:
    if path.parent.name.lower() not in INDEX:
        raise InputError(f"the folder {path.parent.name} is no class")
    _, image = picture(path, cv2.IMREAD_GRAYSCALE)
    if image.shape != (SIDE, SIDE):
        raise InputError(f"has {image.shape[1]}x{image.shape[0]} pixels, not {SIDE}x{SIDE}")
    return image, INDEX[path.parent.name.lower()], path.parent.parent.name
