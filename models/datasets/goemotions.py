"""GoEmotions' official TSV layout and its grouping into Ekman's classes; imports schemas only.

Demszky et al., "GoEmotions: A Dataset of Fine-Grained Emotions", ACL 2020; CC BY 4.0.
A row may carry several of the 28 labels. Its single label here is the group that most of its labels belong
to; a row whose groups tie has no majority and is left out (counted by ``Reading.ties``).
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError
from schemas.labels import GOEMOTIONS_EKMAN, INDEX

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
    label: int  # index into schemas.labels.EMOTIONS
    comment_id: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The comments that have a majority label, and how many had none."""

    comments: list[Comment]
    ties: int


def majority(ids: tuple[int, ...], grouping: str = "ekman") -> int | None:
    """Return the class of a grouping that most of the fine labels belong to; None where two classes tie."""
    votes = Counter(INDEX[GROUPINGS[grouping][FINE[i]]] for i in ids).most_common(2)
    if len(votes) == 2 and votes[0][1] == votes[1][1]:
        return None
    return votes[0][0]


def read_goemotions(path: Path, grouping: str = "ekman") -> Reading:
    """Return the comments of one TSV in the order of the file; ``grouping`` is one of GROUPINGS.

    The masks [NAME] and [RELIGION] become plain words, since a spoken utterance holds no brackets. Raises
    InputError where the file is missing or is not in the official layout.
    """
    if grouping not in GROUPINGS:
        raise InputError(
            f"no grouping of GoEmotions is called {grouping!r}: there are {', '.join(GROUPINGS)}"
        )
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; {LAYOUT}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8; {LAYOUT}") from error
    comments: list[Comment] = []
    ties = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        text, ids, comment_id = _fields(path, number, line)
        label = majority(ids, grouping)
        if label is None:
            ties += 1
        else:
            comments.append(Comment(_PLACEHOLDER.sub(_plain, text).strip(), label, comment_id))
    if not comments:
        raise InputError(f"{path} holds no comment with a majority label; {LAYOUT}")
    return Reading(comments, ties)


def _plain(match: re.Match[str]) -> str:
    """Return the word inside a mask."""
    return match.group(1).lower()


def _fields(path: Path, number: int, line: str) -> tuple[str, tuple[int, ...], str]:
    """Return text, label ids and comment id of one line."""
    fields = line.rstrip("\r").split("\t")
    if len(fields) != 3:
        raise InputError(f"{path}, line {number}: {len(fields)} columns instead of 3; {LAYOUT}")
    ids = fields[1].split(",")
    if not all(i.isdigit() and int(i) < len(FINE) for i in ids):
        raise InputError(f"{path}, line {number}: label ids must be 0 to {len(FINE) - 1}; {LAYOUT}")
    return fields[0], tuple(int(i) for i in ids), fields[2]
