"""Sentences of service calls with their labels, as written and as a recogniser would write them.

The file is ``sentences.csv``; ``sentences.md`` says how it was labelled. Its parts share no topic.
"""

import csv
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from affectstream.models.text.tokenise import plain
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX

Part = Literal["train", "held", "corrections"]
Style = Literal["written", "recogniser"]
SENTENCES = Path(__file__).with_name("sentences.csv")
ANGRY_INTENTS = ("complaint", "escalation")
LABEL_OF = {
    **dict.fromkeys(ANGRY_INTENTS, "angry"),
    **dict.fromkeys(("joy", "relief"), "happy"),
    **dict.fromkeys(("grief", "disappointment"), "sad"),
    **{"worry": "fear", "surprise": "surprise", "disgust": "disgust"},
    **dict.fromkeys(("request", "question", "statement", "small talk", "procedure"), "neutral"),
    **dict.fromkeys(("thanks", "courtesy", "apology", "greeting", "farewell"), "neutral"),
}
"""The label that a sentence of each intent has."""

FILLERS = ("um", "uh", "er", "you know", "like", "i mean", "well", "so", "yeah")
CONFUSED = (
    *(("there", "their"), ("your", "you're"), ("to", "two"), ("for", "four"), ("its", "it's")),
    *(("hear", "here"), ("no", "know"), ("right", "write"), ("we're", "were"), ("by", "buy")),
    *(("one", "won"), ("week", "weak"), ("wait", "weight"), ("whether", "weather"), ("mail", "male")),
    *(("are", "our"), ("then", "than"), ("been", "bean"), ("in", "and"), ("card", "car"), ("bill", "bell")),
    *(("fee", "free"), ("code", "cold"), ("ring", "wing"), ("pay", "page"), ("form", "farm")),
)
"""Pairs of words that recognisers take for each other."""

_SOUNDS_LIKE = {a: b for pair in CONFUSED for a, b in (pair, pair[::-1])}
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
COLUMNS = ("part", "domain", "topic", "party", "intent", "label", "style", "text")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a call; ``label`` indexes affectstream.schemas.labels.EMOTIONS."""

    part: Part
    domain: str  # bank, insurance, telecom ...
    topic: str  # of the conversation, inside one part only
    party: str  # customer or agent
    intent: str
    label: int
    style: Style
    text: str

    @property
    def group(self) -> str:
        """Return what must not be divided, and what intervals redraw: the conversation's topic."""
        return f"{self.domain}: {self.topic}"


def read_sentences(part: Part, path: Path = SENTENCES) -> list[Sentence]:
    """Return the sentences of one part as they stand; raises InputError, naming the row of a fault."""
    return [sentence for sentence in _read(path) if sentence.part == part]


def in_style(sentences: Sequence[Sentence], style: Style, seed: int = 0) -> list[Sentence]:
    """Return those written in ``style``; for the recogniser's, the written ones too, turned into it.

    A sentence is turned the same way whatever stands beside it.
    """
    if style == "written":
        return [sentence for sentence in sentences if sentence.style == style]
    return [_recognised(sentence, seed) for sentence in sentences]


def as_recognised(text: str, rng: random.Random, slips: float = 0.04, fillers: float = 0.06) -> str:
    """Return ``text`` as recognisers write speech: no marks or capitals, with fillers, slips and errors.

    ``slips`` is the chance of each word to be repeated, lost or (three times as likely, where a word is known
    that sounds like it) misheard; ``fillers`` that of a filler before each word.
    """
    words: list[str] = []
    for word in _WORD.findall(plain(text).lower()):
        if rng.random() < fillers:
            words.append(rng.choice(FILLERS))
        kind = rng.random()
        if kind < slips / 2 and len(word) < 5:
            continue
        heard = _SOUNDS_LIKE.get(word, word) if kind > 1 - 3 * slips else word
        words += [heard, heard] if slips / 2 <= kind < slips else [heard]
    return " ".join(words or [text.lower()])


def _recognised(sentence: Sentence, seed: int) -> Sentence:
    if sentence.style == "recogniser":
        return sentence
    text = as_recognised(sentence.text, random.Random(f"{seed} {sentence.text}"))
    return Sentence(
        sentence.part, sentence.domain, sentence.topic, sentence.party, sentence.intent, sentence.label,
        "recogniser", text,
    )  # fmt: skip


def _read(path: Path) -> list[Sentence]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV of sentences") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputError(f"{path} is no file of sentences: its columns are {', '.join(COLUMNS)}")
    return [_sentence(row, f"{path}, row {number}") for number, row in enumerate(rows, start=2)]


def _sentence(row: dict[str, str], where: str) -> Sentence:
    if row["part"] not in get_args(Part) or row["style"] not in get_args(Style):
        raise InputError(f"{where}: part must be one of {get_args(Part)}, style one of {get_args(Style)}")
    if LABEL_OF.get(row["intent"]) != row["label"]:
        raise InputError(f"{where}: no sentence of the intent {row['intent']!r} is {row['label']!r}")
    if not (row["text"] or "").strip():
        raise InputError(f"{where}: no text")
    return Sentence(**{**row, "label": INDEX[row["label"]]})  # type: ignore[arg-type]
