"""A CSV of text-image pairs with one label, as the fusion of face and text is trained on.

Such pairs are usually put together by label from two corpora. Then face and text are independent given the
label, and a fusion of them looks better than it will on one person: say so beside every figure.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from affectstream.lab.datasets.files import Skipped
from affectstream.lab.splits import merged_groups
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, INDEX, MELD

LABELS = {**{name: name for name in EMOTIONS}, **MELD}  # happy or joy, sad or sadness, angry or anger
LAYOUT = (
    "expected a header with the columns image (a path, relative to the CSV), text and emotion "
    f"({', '.join(LABELS)}), and where known group (a speaker or dialogue)"
)
COLUMNS = ("image", "text", "emotion")


@dataclass(frozen=True)
class Pair:
    """One picture with one text and their common label."""

    image: Path
    text: str
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    group: int  # pairs that share picture, text or the column group share it


@dataclass(frozen=True)
class Pairs:
    """The usable pairs in the order of the file, and what was left out with the reason."""

    pairs: tuple[Pair, ...]
    skipped: Skipped  # a row is named by its number


@dataclass(frozen=True)
class _Row:
    image: Path
    text: str
    label: int
    sha256: str
    group: str


def read(path: Path) -> Pairs:
    """Read the CSV at ``path``; bad rows are skipped. Raises InputError for another layout."""
    rows: list[_Row] = []
    skipped: list[tuple[Path, str]] = []
    for number, fields in _fields(path):
        try:
            rows.append(_row(path.parent, fields, number))
        except InputError as error:
            skipped.append((path, f"row {number}: {error}"))
    if not rows:
        raise InputError(f"{path} holds no usable pair: {LAYOUT}")
    keys = ([r.sha256 for r in rows], [r.text.casefold() for r in rows], [r.group for r in rows])
    groups = merged_groups(*keys)
    pairs = (Pair(r.image, r.text, r.label, int(g)) for r, g in zip(rows, groups, strict=True))
    return Pairs(tuple(pairs), tuple(skipped))


def _fields(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path} lacks the columns {', '.join(missing)}: {LAYOUT}")
            yield from enumerate(reader, start=2)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path} as a CSV in UTF-8: {LAYOUT}") from error


def _row(folder: Path, fields: dict[str, str], number: int) -> _Row:
    emotion = (fields["emotion"] or "").strip().lower()
    if emotion not in LABELS:
        raise InputError("an unknown emotion")
    text = " ".join((fields["text"] or "").split())
    if not text:
        raise InputError("no text")
    image = folder / (fields["image"] or "").strip()
    raw = _bytes(image)
    if not raw or cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) is None:
        raise InputError("no picture at the path in the column image")
    group = (fields.get("group") or "").strip() or f"row {number}"
    return _Row(image, text, INDEX[LABELS[emotion]], hashlib.sha256(raw).hexdigest(), group)


def _bytes(image: Path) -> bytes:
    """Return the file's content; nothing where there is no such file, nor can be one."""
    try:
        return image.read_bytes()
    except (OSError, ValueError):
        return b""
