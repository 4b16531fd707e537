"""JSON and tables of Whisper and its kin as cues; JSON of cloud services is read by ``vendors``.

Read are `segments` (Whisper, WhisperX, faster-whisper), `chunks` with `timestamp` (Hugging Face pipelines),
`transcription` with `offsets` or `timestamps` (whisper.cpp), and lists of words with times (OpenAI's
`words`, WhisperX' `word_segments`), which are put together to utterances at pauses and ends of sentences; and
Whisper's tables, `start`, `end` and `text` with tabs between and times in ms.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from affectstream.producers import vendors
from affectstream.producers.subtitles import Cue, stamp_ms
from affectstream.producers.vendors.fields import utterances
from affectstream.schemas.errors import InputError

LISTS = ("segments", "chunks", "transcription", "utterances", "words", "word_segments")
INSIDE = ("result", "results", "output", "transcript", "data")
SPEAKERS = ("speaker", "speaker_name", "speakerName", "speaker_label", "speaker_id", "speakerId", "channel")
STARTS, ENDS = ("start", "start_time", "startTime"), ("end", "end_time", "endTime")
LENGTHS = ("duration", "dur")


def cues(path: Path, text: str) -> list[Cue]:
    """Return the cues of a JSON transcript; raises InputError where it is none that is known."""
    try:
        document = _document(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not valid JSON; write the transcript again") from None
    except RecursionError:
        raise InputError(f"{path}: JSON nested too deeply to be a transcript") from None
    if (of_vendor := vendors.cues(path, document)) is not None:
        return of_vendor
    items = _items(document)
    if items is None:
        raise InputError(
            f"{path}: has no list `segments`, `chunks`, `transcription` or `words`; JSON of Whisper, "
            "WhisperX, whisper.cpp, Hugging Face pipelines, Amazon, AssemblyAI, Azure, Deepgram and Google "
            "is read"
        )
    bad = next((n for n, item in enumerate(items) if not isinstance(item, dict)), None)
    if bad is not None:
        raise InputError(f"{path}, segment {bad}: not an object with `start`, `end` and `text`")
    if items and _words_only(items):
        found = list(utterances(_words(items)))
    else:
        turns = [
            False,
            *(item.get("speaker_turn_next") is True for item in items),
        ]  # whisper.cpp's tinydiarize
        found = [cue for n, item in enumerate(items) for cue in _segment(path, n, item, turns[n])]
    language = _language(document)
    return [replace(cue, language=language) for cue in found]


def table(text: str) -> list[Cue]:
    """Return the cues of a table, whose first line names its columns."""
    rows = [line.split("\t", 2) for line in text.split("\n")[1:]]
    return [
        Cue(f"line {number}", _ms(row[0], 1), _ms(row[1], 1), row[2])
        for number, row in enumerate(rows, 2)
        if len(row) == 3
    ]


def _document(text: str) -> Any:
    """Return the JSON, also of a file with one object on each line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _items(document: Any) -> list[Any] | None:
    if isinstance(document, list):
        return list(document)
    if not isinstance(document, dict):
        return None
    lists: list[list[Any]] = [document[name] for name in LISTS if isinstance(document.get(name), list)]
    if lists:
        return next((found for found in lists if found), lists[0])
    for name in INSIDE:
        if (found := _items(document.get(name))) is not None:
            return found
    return None


def _language(document: Any) -> str | None:
    if not isinstance(document, dict):
        return None
    own = document.get("language") or document.get("detected_language")
    if isinstance(own, str) and own:
        return own[:32]
    return next((found for name in INSIDE if (found := _language(document.get(name)))), None)


def _words_only(items: list[Any]) -> bool:
    """Say whether the items are words, not segments."""
    if all("word" in item for item in items):
        return True
    texts = [str(item.get("text", "")).split() for item in items]
    return len(items) > 3 and all(len(words) <= 1 for words in texts) and "start" not in items[0]


def _segment(path: Path, number: int, item: dict[str, Any], turned: bool) -> Iterator[Cue]:
    text = item.get("text", item.get("transcript"))
    words = item.get("words")
    if isinstance(words, list) and words and all(isinstance(word, dict) for word in words):
        speakers = {_speaker(word) for word in words} - {None}
        if len(speakers) > 1 or not isinstance(text, str):
            yield from utterances(_words(words))
            return
    if not isinstance(text, str):
        raise InputError(f"{path}, segment {number}: not an object with `start`, `end` and `text`")
    start_ms, end_ms = _times(item)
    yield Cue(f"segment {number}", start_ms, end_ms, text, _speaker(item), changed=turned)


def _times(item: dict[str, Any]) -> tuple[int | None, int | None]:
    """Return start and end in ms, from whichever of the known fields there is."""
    pair = item.get("timestamp")
    if isinstance(pair, list | tuple) and len(pair) == 2:
        return _ms(pair[0]), _ms(pair[1])
    offsets, stamps = item.get("offsets"), item.get("timestamps")
    if isinstance(offsets, dict):
        return _ms(offsets.get("from"), 1), _ms(offsets.get("to"), 1)
    if isinstance(stamps, dict):
        return _ms(stamps.get("from")), _ms(stamps.get("to"))
    start_ms, end_ms = _ms(_first(item, STARTS)), _ms(_first(item, ENDS))
    if end_ms is None and start_ms is not None and (length_ms := _ms(_first(item, LENGTHS))):
        end_ms = start_ms + length_ms
    return start_ms, end_ms


def _first(item: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _ms(value: Any, unit: int = 1000) -> int | None:
    """Return a number of seconds, or of 1/``unit`` s, or a stamp such as 00:00:01.500, in ms."""
    if isinstance(value, str):
        stamp = stamp_ms(value)
        if stamp is not None:
            return stamp
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(value * unit) if abs(value) < 1e12 else None


def _speaker(item: dict[str, Any]) -> str | None:
    value = _first(item, SPEAKERS)
    if isinstance(value, dict):
        value = value.get("name", value.get("id"))
    name = "" if value is None else str(value).strip()
    return name or None


def _words(items: list[dict[str, Any]]) -> list[Cue]:
    found: list[Cue] = []
    for number, item in enumerate(items):
        text = item.get("word", item.get("text"))
        if not isinstance(text, str):
            continue
        start_ms, end_ms = _times(item)
        if start_ms is None and found:  # a number, which an aligner does not place
            before = found[-1]
            start_ms = end_ms = before.start_ms if before.end_ms is None else before.end_ms
        speaker = _speaker(item) or (found[-1].speaker if found else None)
        found.append(Cue(f"word {number}", start_ms, end_ms, text, speaker))
    return found
