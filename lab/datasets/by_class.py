"""Pictures or sounds in one folder per class, as most collections of labelled files are handed on.

The lowest folder above a file that is called after an emotion names its class, so SPLIT/CLASS and
CLASS/PERSON are read alike.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from affectstream.lab.datasets.clips import SUFFIXES, checked
from affectstream.lab.datasets.files import Skipped, files_below, picture, read_each
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, INDEX

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
SOUNDS = SUFFIXES | {".ogg", ".opus", ".mp3"}
NAMES = {
    **{name: name for name in EMOTIONS},
    **{"anger": "angry", "happiness": "happy", "joy": "happy", "sadness": "sad", "calm": "neutral"},
    **{"fearful": "fear", "afraid": "fear", "disgusted": "disgust", "surprised": "surprise"},
}
"""What a folder may be called, in any case, and the emotion that it stands for."""
OTHERS = frozenset({"contempt", "boredom", "unknown", "other"})  # classes that are none of the seven
LAYOUT = f"expected FOLDER/CLASS/FILE with a folder per class, called {', '.join(NAMES)}"
CK = re.compile(r"(S\d{3})_\d{3}_\d+")  # CK+ (Lucey et al., 2010): several frames of one person


@dataclass(frozen=True)
class File:
    """One labelled file."""

    path: Path
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    group: str  # the person where the name is that of CK+, else the content
    sha256: str


@dataclass(frozen=True)
class Files:
    """The readable files in the order of their paths, and what was left out with the reason."""

    files: tuple[File, ...]
    skipped: Skipped


def pictures(folder: Path) -> Files:
    """Return the pictures under ``folder``; raises InputError where no folder is called after an emotion."""
    return _read(folder, PICTURES, "pictures", _picture)


def sounds(folder: Path) -> Files:
    """Return the sounds under ``folder``; raises InputError where no folder is called after an emotion."""
    return _read(folder, SOUNDS, "sounds", lambda path: checked(path)[1])


def is_by_class(folder: Path) -> bool:
    """Tell whether a folder in ``folder`` is called after one of the seven emotions."""
    return folder.is_dir() and any(path.is_dir() and path.name.lower() in NAMES for path in folder.iterdir())


def _read(folder: Path, suffixes: frozenset[str], title: str, digest: Callable[[Path], str]) -> Files:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: {LAYOUT}")
    one = partial(_file, folder=folder, digest=digest)
    return Files(*read_each(files_below(folder, suffixes), one, folder, title, LAYOUT))


def _file(path: Path, folder: Path, digest: Callable[[Path], str]) -> File:
    label = _class(path.relative_to(folder))
    sha256 = digest(path)
    person = CK.fullmatch(path.stem)
    return File(path, label, person[1] if person else sha256, sha256)


def _class(path: Path) -> int:
    for name in reversed([part.lower() for part in path.parts[:-1]]):
        if name in NAMES:
            return INDEX[NAMES[name]]
        if name in OTHERS:
            raise InputError(f"{name}, which is none of the seven")
    raise InputError("no folder above it is called after an emotion")


def _picture(path: Path) -> str:
    raw, _ = picture(path)
    return hashlib.sha256(raw).hexdigest()
