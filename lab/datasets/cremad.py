"""Reader of CREMA-D speech with its two label sets, intended and voted.

Cao et al., "CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset", IEEE TAC 2014. The actor's intent is
in the file name; a crowd judged each clip by ear, by eye and by both. The sets agree on less than half of the
clips by ear, so every figure has to say which one it uses. There is no surprise in either.
"""

import csv
import re
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from affectstream.lab.datasets.clips import Clip, Corpus, Said, read_clips
from affectstream.schemas.errors import InputError

LabelSet = Literal["intended", "crowd_audio", "crowd_face", "crowd_av"]
LABEL_SETS: tuple[str, ...] = get_args(LabelSet)

SOURCE = "CREMA-D (Cao et al., 2014)"
LAYOUT = (
    "expected FOLDER/AudioWAV/AAAA_SSS_EEE_LL.wav (actor 1001 to 1091, sentence, emotion ANG DIS FEA HAP NEU "
    "or SAD, level LO MD HI or XX), and for crowd labels FOLDER/processedResults/summaryTable.csv"
)
INTENDED = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
VOTED = {"A": "angry", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad"}
VOTES = {"crowd_audio": "voicevote", "crowd_face": "facevote", "crowd_av": "multimodalvote"}

_NAME = re.compile(r"(1\d{3})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX?)")


def read(folder: Path, label: str = "intended") -> Corpus[Clip]:
    """Return the clips under ``folder`` with one of LABEL_SETS; clips whose votes tie are skipped.

    Raises InputError where the layout is another one, or where the table of votes is wanted and missing.
    """
    if label not in LABEL_SETS:
        raise InputError(f"CREMA-D has no label set {label!r}: use one of {', '.join(LABEL_SETS)}")
    votes = _votes(folder, VOTES[label]) if label in VOTES else None
    return read_clips(folder, partial(_said, votes=votes, sexes=_sexes(folder)), "CREMA-D", LAYOUT)


def _said(path: Path, votes: dict[str, str] | None, sexes: dict[str, str]) -> Said:
    named = _NAME.fullmatch(path.stem)
    if named is None or named[3] not in INTENDED:
        raise InputError("the name is not AAAA_SSS_EEE_LL with one of the six emotions")
    actor, sentence, intended = named[1], named[2], named[3]
    if votes is None:
        return Said(INTENDED[intended], intended, actor, sexes.get(actor, ""), sentence)
    vote = votes.get(path.stem)
    if vote is None:
        raise InputError("not in the table of votes")
    if vote not in VOTED:
        raise InputError(f"the votes tie ({vote})")
    return Said(VOTED[vote], vote, actor, sexes.get(actor, ""), sentence)


def _votes(folder: Path, column: str) -> dict[str, str]:
    """Return the letters that won the vote, by file name; several letters are joined with colons."""
    rows = _rows(folder, "summaryTable.csv")
    if rows is None:
        raise InputError(f"no summaryTable.csv in {folder}, which crowd labels need: {LAYOUT}")
    if not rows or not {"filename", column} <= rows[0].keys():
        raise InputError(f"summaryTable.csv in {folder} must have the columns FileName and {column}")
    return {row["filename"]: row[column] for row in rows}


def _sexes(folder: Path) -> dict[str, str]:
    """Return "male" or "female" by actor; nothing where the list of actors is not beside the clips."""
    rows = _rows(folder, "VideoDemographics.csv") or []
    return {row.get("actorid", ""): row.get("sex", "").lower() for row in rows}


def _rows(folder: Path, name: str) -> list[dict[str, str]] | None:
    """Return the rows of a CSV by lower-case column, wherever it lies under the folder; None for none."""
    path = next(iter(sorted(folder.rglob(name))), None)
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a CSV in UTF-8") from error
    return [
        {key.strip().lower(): (value or "").strip() for key, value in row.items() if key is not None}
        for row in csv.DictReader(lines)
    ]
