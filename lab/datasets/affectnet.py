"""AffectNet's folders, as released with annotations or sorted by class.

Mollahosseini et al., "AffectNet", IEEE TAC 2019. The corpus does not say who is in a picture, so the group is
the file's content: equal files stay on one side.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from affectstream.lab.datasets.files import Skipped, files_below, picture, read_each
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX

SOURCE = "AffectNet (Mollahosseini et al., 2019)"
MIN_SIDE = 32
PICTURES = frozenset({".jpg", ".jpeg", ".png"})
LAYOUT = (
    "expected FOLDER/train_set/images/ID.jpg with FOLDER/train_set/annotations/ID_exp.npy (and val_set the "
    "same), or FOLDER/SPLIT/CLASS/*.jpg with CLASS a number of 0 to 7 or a name such as anger or happy"
)
CODES = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
"""The order of the annotations; 8 to 10 (none, uncertain, no face) are not in the released sets."""
NAMES = {
    **{name: name for name in CODES},
    "anger": "angry",
    "happiness": "happy",
    "sadness": "sad",
}


@dataclass(frozen=True)
class Picture:
    """One face of the corpus, still in its file."""

    path: Path
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    split: str  # the folder's own name for it
    sha256: str  # the group


@dataclass(frozen=True)
class Pictures:
    """The readable faces in the order of their paths, and what was left out with the reason."""

    pictures: tuple[Picture, ...]
    skipped: Skipped


def read(folder: Path) -> Pictures:
    """Return the faces under ``folder`` but contempt, none of the seven; InputError for another layout."""
    annotated = next(folder.glob("*/annotations"), None) is not None
    emotion = _annotation if annotated else _class_folder
    files = files_below(folder, PICTURES)
    return Pictures(*read_each(files, partial(_picture, emotion=emotion), folder, "AffectNet", LAYOUT))


def _picture(path: Path, emotion: Callable[[Path], str]) -> Picture:
    name = emotion(path)
    if name not in INDEX:
        raise InputError(f"{name}, which is none of the seven")
    raw, image = picture(path)
    if min(image.shape[:2]) < MIN_SIDE:
        raise InputError(f"has {image.shape[1]}x{image.shape[0]} pixels, less than {MIN_SIDE} on a side")
    return Picture(path, INDEX[name], path.parent.parent.name, hashlib.sha256(raw).hexdigest())


def _annotation(path: Path) -> str:
    beside = path.parent.parent / "annotations" / f"{path.stem}_exp.npy"
    try:
        return _by_code(str(int(np.load(beside, allow_pickle=False))))
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise InputError(f"no readable {beside.name} in the annotations") from error


def _class_folder(path: Path) -> str:
    name = path.parent.name.lower()
    return _by_code(name) if name.isdecimal() else NAMES.get(name, f"the folder {path.parent.name}")


def _by_code(code: str) -> str:
    return CODES[int(code)] if code.isdecimal() and int(code) < len(CODES) else f"expression {code}"
