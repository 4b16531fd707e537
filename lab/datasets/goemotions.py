"""GoEmotions' official TSV layout and its grouping into Ekman's classes.

Demszky et al., "GoEmotions: A Dataset of Fine-Grained Emotions", ACL 2020; CC BY 4.0.
A row may carry several of the 28 labels. Its single label here is the group that most of its labels belong
to; a row whose groups tie has no majority and is left out (counted by ``Reading.ties``).
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from affectstream.lab.datasets.files import Skipped
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import GOEMOTIONS_EKMAN, INDEX

LAYOUT = (
    "GoEmotions' official TSV has three columns and no header: text, label ids joined by commas, comment id"
)

FINE = (
    *("admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion"),
    *("curiosity", "desire", "disappointment", "disapproval", "disgust", "embarrassment", "excitement"),
    *("fear", "gratitude", "grief", "joy", "love", "nervousness", "optimism"),
    *("pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral"),
)
"""The 28 labels in the order of their ids."""

ASKING = ("curiosity", "confusion", "realization", "approval")
GROUPINGS = {
    "ekman": GOEMOTIONS_EKMAN,
    "service": GOEMOTIONS_EKMAN | dict.fromkeys(ASKING, "neutral"),
}
"""The authors' grouping; and one for service calls, where to ask or agree is neither surprise nor joy."""

_PLACEHOLDER = re.compile(r"\[(NAME|RELIGION)\]")


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment with its majority label."""

    text: str
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    comment_id: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The comments that have a majority label, how many had none, and the lines that are no comments."""

    comments: list[Comment]
    ties: int
    skipped: Skipped = ()  # a line is named by its number


def majority(ids: tuple[int, ...], grouping: str = "ekman") -> int | None:
    """Return the class of a grouping that most of the fine labels belong to; None where two classes tie."""
    votes = Counter(INDEX[GROUPINGS[grouping][FINE[i]]] for i in ids).most_common(2)
    if len(votes) == 2 and votes[0][1] == votes[1][1]:
        return None
    return votes[0][0]


def read_goemotions(path: Path, grouping: str = "ekman") -> Reading:
    """Return what ``read`` does where every line is a comment; raises InputError, naming the line, else.

    Trainings and figures take this one, so that they are always of the whole corpus.
    """
    reading = read(path, grouping)
    if reading.skipped:
        raise InputError(f"{path}, {reading.skipped[0][1]}; {LAYOUT}")
    return reading


def read(path: Path, grouping: str = "ekman") -> Reading:
    """Return the comments of one TSV in the order of the file; ``grouping`` is one of GROUPINGS.

    The masks [NAME] and [RELIGION] become plain words, since a spoken utterance holds no brackets. Lines that
    are no comments are skipped. Raises InputError where the file is missing, is not in the official layout or
    has no comment with a majority label.
    """
    if grouping not in GROUPINGS:
        raise InputError(
            f"no grouping of GoEmotions is called {grouping!r}: there are {', '.join(GROUPINGS)}"
        )
    comments: list[Comment] = []
    skipped: list[tuple[Path, str]] = []
    ties = 0
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            text, ids, comment_id = _fields(line)
        except InputError as error:
            skipped.append((path, f"line {number}: {error}"))
            continue
        label = majority(ids, grouping)
        if label is None:
            ties += 1
        else:
            comments.append(Comment(_PLACEHOLDER.sub(_plain, text).strip(), label, comment_id))
    if not comments:
        why = f" ({skipped[0][1]})" if skipped else ""
        raise InputError(f"{path} holds no comment with a majority label{why}; {LAYOUT}")
    return Reading(comments, ties, tuple(skipped))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; {LAYOUT}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8; {LAYOUT}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read; {LAYOUT}") from error


def _plain(match: re.Match[str]) -> str:
    """Return the word inside a mask."""
    return match.group(1).lower()


def _fields(line: str) -> tuple[str, tuple[int, ...], str]:
    """Return text, label ids and comment id of one line; raises InputError."""
    fields = line.rstrip("\r").split("\t")
    if len(fields) != 3:
        raise InputError(f"{len(fields)} columns instead of 3")
    ids = fields[1].split(",")
    if not all(i.isdecimal() and int(i) < len(FINE) for i in ids):
        raise InputError(f"label ids must be 0 to {len(FINE) - 1}")
    return fields[0], tuple(int(i) for i in ids), fields[2]
