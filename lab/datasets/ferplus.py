"""FER2013 faces with the votes of FER+, from an npz or from the two original CSV files."""

import csv
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, FERPLUS_VOTES, INDEX, N_EMOTIONS

SIDE = 48
ARRAYS = ("images", "votes", "fer2013", "names")
LAYOUT = "images uint8 (n, 48, 48), votes (n, 10), fer2013 (n,), names (n,)"
DOUBTED = ("angry", "fear", "disgust")  # the classes that FER2013's own label may speak for
VOTE_COLUMNS = [FERPLUS_VOTES.index(name) for name in EMOTIONS]
TORN = (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error)
"""What numpy and zipfile raise for a file that is no npz, or only a part of one."""
FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@dataclass(frozen=True)
class Faces:
    """Faces of one split with both of their label sets."""

    images: npt.NDArray[np.uint8]  # (n, 48, 48)
    votes: npt.NDArray[np.int64]  # (n, 10), columns of affectstream.schemas.labels.FERPLUS_VOTES
    fer2013: npt.NDArray[np.int64]  # (n,), index into EMOTIONS, -1 where unknown
    names: npt.NDArray[np.str_]  # (n,)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Faces":
        """Return the chosen rows."""
        return Faces(self.images[rows], self.votes[rows], self.fer2013[rows], self.names[rows])


def load_npz(path: Path) -> Faces:
    """Read one split; raises InputError with the expected layout where ``path`` does not have it."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            missing = [name for name in ARRAYS if name not in stored]
            if missing:
                raise InputError(f"{path} lacks the arrays {missing}; expected {LAYOUT}")
            images, votes, fer2013, names = (stored[name] for name in ARRAYS)
    except FileNotFoundError as error:
        raise InputError(f"no FER+ split at {path}; expected an npz with {LAYOUT}") from error
    except TORN as error:
        raise InputError(f"{path} is not a whole npz of arrays; expected {LAYOUT}") from error
    return _checked(path, images, votes, fer2013, names)


def _checked(path: Path, images: npt.NDArray[np.uint8], *others: npt.NDArray[np.generic]) -> Faces:
    votes, fer2013, names = others
    n = images.size // SIDE**2
    shapes = (images.shape, votes.shape, fer2013.shape, names.shape)
    if shapes != ((n, SIDE, SIDE), (n, len(FERPLUS_VOTES)), (n,), (n,)) or images.dtype != np.uint8:
        raise InputError(f"{path} has shapes {shapes} and {images.dtype} images; expected {LAYOUT}")
    if not n:
        raise InputError(f"{path} holds no face; expected {LAYOUT}")
    if votes.dtype.kind not in "iuf" or fer2013.dtype.kind not in "iuf":
        raise InputError(f"{path} has votes or labels that are no numbers; expected {LAYOUT}")
    return Faces(images, votes.astype(np.int64), fer2013.astype(np.int64), names.astype(np.str_))


def load_csv(pixels: Path, votes: Path, usage: str) -> Faces:
    """Read ``usage`` (Training, PublicTest, PrivateTest) of fer2013.csv and the fer2013new.csv of FER+.

    The two files describe the same images row by row; images without a name were withdrawn by FER+.
    """
    with _opened(pixels) as first, _opened(votes) as second:
        try:
            pairs = zip(csv.DictReader(first), csv.DictReader(second), strict=True)
            rows = [_row(face, vote) for face, vote in pairs if vote["Usage"] == usage and vote["Image name"]]
        except (KeyError, ValueError, IndexError, AttributeError, TypeError, csv.Error) as error:
            raise InputError(
                f"{pixels} must have the columns emotion, pixels, Usage and {votes} the columns Usage, "
                "Image name and ten counts of votes, row by row for the same images"
            ) from error
    if not rows:
        raise InputError(f"{votes} has no images of usage {usage!r}")
    images, counts, labels, names = zip(*rows, strict=True)
    return _checked(pixels, np.stack(images), np.array(counts), np.array(labels), np.array(names))


def _row(face: dict[str, str], vote: dict[str, str]) -> tuple[npt.NDArray[np.uint8], list[int], int, str]:
    if face["Usage"] != vote["Usage"]:
        raise ValueError("rows of different images")
    image = np.array(face["pixels"].split(), dtype=np.uint8).reshape(SIDE, SIDE)
    counts = [int(value) for value in list(vote.values())[2 : 2 + len(FERPLUS_VOTES)]]
    return image, counts, EMOTIONS.index(FER2013_CLASSES[int(face["emotion"])]), vote["Image name"]


def _opened(path: Path) -> TextIO:
    try:
        return path.open(newline="")
    except OSError as error:
        raise InputError(f"cannot read {path}: expected fer2013.csv or fer2013new.csv") from error


def majority(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the class (n,) with the most votes; -1 for a tie and for contempt, unknown and not-a-face."""
    first = votes.argmax(axis=1)
    alone = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) == 1
    to_class = np.full(len(FERPLUS_VOTES), -1, dtype=np.int64)
    to_class[VOTE_COLUMNS] = np.arange(N_EMOTIONS)
    return np.where(alone, to_class[first], -1)


def vote_shares(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the shares (n, 7) of the votes for the seven classes; a row without such votes is zero.

    A single vote counts as a slip of one tagger, as in Barsoum et al., "Training Deep Networks for Facial
    Expression Recognition with Crowd-Sourced Label Distribution", ICMI 2016.
    """
    kept = np.where(votes[:, VOTE_COLUMNS] > 1, votes[:, VOTE_COLUMNS], 0).astype(np.float64)
    total = kept.sum(axis=1, keepdims=True)
    shares = np.zeros_like(kept)
    np.divide(kept, total, out=shares, where=total > 0)
    return shares


def seconded(faces: Faces) -> npt.NDArray[np.bool_]:
    """Tell which faces (n,) FER2013 labels with anger, fear or disgust and one tagger or more sees so too."""
    label = np.clip(faces.fer2013, 0, None)
    seen = faces.votes[:, VOTE_COLUMNS][np.arange(len(label)), label] > 0
    doubted = np.isin(label, [INDEX[name] for name in DOUBTED])
    found: npt.NDArray[np.bool_] = (faces.fer2013 >= 0) & doubted & seen
    return found


def second_opinions(faces: Faces, worth: float) -> npt.NDArray[np.float64]:
    """Return the vote shares (n, 7) of ``faces``, with FER2013's own label as ``worth`` votes more.

    It counts for anger, fear and disgust alone, which ten taggers often call neutral, and only where one of
    them saw the same; a single vote that it confirms is no slip.
    """
    shares = vote_shares(faces.votes)
    rows = np.flatnonzero(seconded(faces))
    own = (rows, faces.fer2013[rows])
    votes = faces.votes[:, VOTE_COLUMNS].astype(np.float64)
    confirmed = votes[own] + worth
    votes[votes <= 1] = 0
    votes[own] = confirmed
    shares[rows] = votes[rows] / votes[rows].sum(axis=1, keepdims=True)
    return shares


def trainable(votes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell which faces (n,) have a distribution over the seven: votes for them, and nothing else on top."""
    first = votes.argmax(axis=1)
    voted: npt.NDArray[np.bool_] = vote_shares(votes).sum(axis=1) > 0
    return np.isin(first, VOTE_COLUMNS) & voted
