"""Fields of JSON whose shape is not certain, as vendors write them, and words put together to utterances."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from affectstream.producers.subtitles import Cue

Json = dict[str, Any]

SECONDS = re.compile(r"(-?\d+(?:\.\d+)?)s?")  # 1.4 or 1.400s
ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")  # PT1M2.5S
LATEST_MS = 10**12
PAUSE_MS = 800
MOST_WORDS = 40
SENTENCE = re.compile(r"[.!?\u2026\u3002\uff01\uff1f]['\"\u201d\u2019)]*$")


def field(item: Json, *names: str) -> Any:
    """Return the first of the named fields that is there, None where none is."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def objects(value: Any) -> list[Json]:
    """Return the objects of a list; [] for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inner(item: Any, *names: str) -> Json:
    """Return the object at the first of the named fields; {} where there is none."""
    found = field(item, *names) if isinstance(item, dict) else None
    return found if isinstance(found, dict) else {}


def text(value: Any) -> str:
    """Return a text, empty for anything else."""
    return value if isinstance(value, str) else ""


def language(*values: Any) -> str | None:
    """Return the first language that is stated."""
    return next((value[:32] for value in values if isinstance(value, str) and value), None)


def label(kind: str, value: Any) -> str | None:
    """Return the name of a numbered speaker or channel, `speaker 1`; what has a name of its own keeps it."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    name = str(value).strip()
    return (f"{kind} {name}" if name.isdigit() else name) or None


def ms(value: Any, per_ms: float = 1e-3) -> int | None:
    """Return a time in ms: a number (``per_ms`` of its units make a millisecond), `1.4s`, `PT1.4S`.

    It may also be an object of `seconds` and `nanos`. Returns None for anything else.
    """
    if isinstance(value, dict):
        whole, rest = _ms(value.get("seconds", 0), 1e-3), _ms(value.get("nanos", 0), 1e6)
        return None if whole is None or rest is None else whole + rest
    return _ms(value, per_ms)


def _ms(value: Any, per_ms: float) -> int | None:
    if isinstance(value, str):
        if iso := ISO.fullmatch(value):
            hours, minutes, seconds = (float(part or 0) for part in iso.groups())
            value, per_ms = (hours * 60 + minutes) * 60 + seconds, 1e-3
        else:
            plain = SECONDS.fullmatch(value.strip())
            value = float(plain[1]) if plain else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = value / per_ms
    except OverflowError:  # of a whole number that no float holds
        return None
    return round(found) if math.isfinite(found) and abs(found) < LATEST_MS else None


def words(
    items: Sequence[Json], texts: Sequence[str], starts: Sequence[str], ends: Sequence[str]
) -> list[Cue]:
    """Return words by the names of their fields, times in seconds.

    One without a time follows the one before it.
    """
    found: list[Cue] = []
    for item in items:
        word = text(field(item, *texts))
        if not word.strip():
            continue
        start_ms, end_ms = ms(field(item, *starts)), ms(field(item, *ends))
        if start_ms is None and found:
            start_ms = end_ms = found[-1].end_ms if found[-1].end_ms is not None else found[-1].start_ms
        found.append(Cue(f"word {len(found)}", start_ms, end_ms, word.strip()))
    return found


def utterances(words: Sequence[Cue]) -> Iterator[Cue]:
    """Yield words put together: until a pause, the end of a sentence or another speaker."""
    spaced = any(word.text[:1] == " " for word in words[1:])
    group: list[Cue] = []
    for word in words:
        if group and _ends(group, word):
            yield _joined(group, spaced)
            group = []
        group.append(word)
    if group:
        yield _joined(group, spaced)


def _ends(group: list[Cue], word: Cue) -> bool:
    last = group[-1]
    paused = last.end_ms is not None and word.start_ms is not None and word.start_ms - last.end_ms > PAUSE_MS
    sentence = SENTENCE.search(last.text.strip()) is not None
    return paused or sentence or word.speaker != last.speaker or len(group) >= MOST_WORDS


def _joined(group: list[Cue], spaced: bool) -> Cue:
    text = ("" if spaced else " ").join(word.text for word in group)
    ends = [word.end_ms for word in group if word.end_ms is not None]
    return replace(group[0], text=text, end_ms=max(ends) if group[-1].end_ms is not None else None)
