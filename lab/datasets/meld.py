"""MELD's official CSV, its dialogues and the turns before each utterance.

Poria et al., "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in Conversations", ACL 2019;
GPL-3.0.
Dialogue numbers start again in every file, so a group is the name of the split and the dialogue together.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from affectstream.lab.datasets.files import Skipped
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX, MELD

LAYOUT = (
    "MELD's official CSV has the columns Utterance, Speaker, Emotion, Dialogue_ID and Utterance_ID, "
    "as in train_sent_emo.csv"
)
COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn of a dialogue with its label and up to two turns before it, oldest first."""

    text: str
    context: tuple[str, ...]
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    group: str  # split and dialogue: never to be divided between training and test
    speaker: str


def repaired(text: str) -> str:
    """Undo the two encoding faults of MELD's copies: C1 controls from cp1252, and UTF-8 read as cp1252."""
    if any("\x80" <= c <= "\x9f" for c in text):
        text = "".join(_from_c1(c) for c in text)
    if "â€" in text or "Ã" in text:
        try:
            text = text.encode("cp1252").decode("utf-8")
        except UnicodeError:
            return text
    return text


def _from_c1(char: str) -> str:
    """Return what the byte of a C1 control means in cp1252, or a space where it means nothing."""
    if not "\x80" <= char <= "\x9f":
        return char
    return bytes([ord(char)]).decode("cp1252", errors="replace").replace("\ufffd", " ")


@dataclass(frozen=True, slots=True)
class Reading:
    """The utterances of one CSV by dialogue and turn, and the rows that were left out with the reason."""

    utterances: list[Utterance]
    skipped: Skipped  # a row is named by its number


def read_meld(path: Path, turns: int = 2) -> list[Utterance]:
    """Return what ``read`` does where no row had to be left out; raises InputError, naming the row, else.

    Trainings and figures take this one, so that they are always of the whole corpus.
    """
    reading = read(path, turns)
    if reading.skipped:
        raise InputError(f"{path}, {reading.skipped[0][1]}; {LAYOUT}")
    return reading.utterances


def read(path: Path, turns: int = 2) -> Reading:
    """Return the utterances of one CSV, each with up to ``turns`` before it; rows that are none are skipped.

    Raises InputError where the file is missing, is not in the official layout, or has no usable row.
    """
    skipped: list[tuple[Path, str]] = []
    rows: list[tuple[int, int, dict[str, str]]] = []
    for number, row in enumerate(_rows(path), start=2):
        why = _fault(row)
        if why:
            skipped.append((path, f"row {number}: {why}"))
        else:
            rows.append((int(row["Dialogue_ID"]), int(row["Utterance_ID"]), row))
    if not rows:
        raise InputError(f"{path} holds no usable row ({skipped[0][1]}); {LAYOUT}")
    rows.sort(key=lambda row: row[:2])
    return Reading(_in_dialogues(path, [row for _, _, row in rows], turns), tuple(skipped))


def _in_dialogues(path: Path, rows: Sequence[dict[str, str]], turns: int) -> list[Utterance]:
    """Return the utterances of ordered ``rows`` with the turns before them."""
    out: list[Utterance] = []
    before: list[str] = []
    dialogue = ""
    for row in rows:
        if row["Dialogue_ID"] != dialogue:
            dialogue, before = row["Dialogue_ID"], []
        text = repaired(row["Utterance"]).strip()
        label = INDEX[MELD[row["Emotion"].strip().lower()]]
        context = tuple(before[-turns:]) if turns else ()
        out.append(Utterance(text, context, label, f"{path.stem}:{dialogue}", row["Speaker"]))
        before.append(text)
    return out


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of the CSV as they stand; raises InputError for another file."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; {LAYOUT}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read; {LAYOUT}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    try:
        rows = list(csv.DictReader(text.splitlines(keepends=True)))
    except csv.Error as error:
        raise InputError(f"{path} is no CSV; {LAYOUT}") from error
    missing = [c for c in COLUMNS if not rows or c not in rows[0]]
    if missing:
        raise InputError(f"{path}: no column or no rows for {', '.join(missing)}; {LAYOUT}")
    return rows


def _fault(row: dict[str, str]) -> str:
    """Return why a row is no utterance: it needs whole numbers for ids and one of MELD's emotions."""
    if any(row[c] is None for c in COLUMNS):
        return "fewer fields than the header"
    if not (row["Dialogue_ID"].isdecimal() and row["Utterance_ID"].isdecimal()):
        return "Dialogue_ID and Utterance_ID must be whole numbers"
    if row["Emotion"].strip().lower() not in MELD:
        return f"unknown emotion; known are {', '.join(MELD)}"
    return ""
