"""Transcript files (WebVTT, SRT, Whisper and WhisperX JSON) as utterances.

Times are whole milliseconds after the zero of the recording. Errors name the file and the line (for JSON the
segment), never the words.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from affectstream.schemas.errors import InputError

LONGEST_TEXT = 8_000  # characters of one utterance: with context it stays below the limit of the topic
LATEST_MS = 1000 * 60 * 60 * 24 * 7

STAMP = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
TIMING = re.compile(rf"\s*{STAMP}\s*-->\s*{STAMP}(?:\s.*)?$")
VOICE = re.compile(r"<v(?:\.[^\s>]*)*\s+([^>]+)>")
TAG = re.compile(r"</?[A-Za-z0-9][^<>]*>")
PREFIX = re.compile(r"\s*\[?(?P<name>[^\W\d_][\w .'&-]{0,39}?)\]?\s*:\s+(?P<text>.*)", re.DOTALL)
ROLE = re.compile(r"customer|caller|client|agent|advis[eo]r|operator|representative|speaker", re.IGNORECASE)


@dataclass(frozen=True)
class Utterance:
    """The words of one speaker in one interval."""

    start_ms: int
    end_ms: int
    speaker: str | None
    text: str


def load(path: Path, names: Iterable[str] = ()) -> tuple[Utterance, ...]:
    """Return the utterances of a file by start; ``names`` are speakers to look for as ``NAME:`` prefixes."""
    text = _read(path)
    head = text.lstrip()[:6]
    if head == "WEBVTT":
        found = _cues(path, text, {name.casefold() for name in names})
    elif head[:1] in ("{", "["):
        found = _segments(path, text)
    elif path.suffix.lower() == ".vtt":
        raise InputError(f"{path}, line 1: a WebVTT file begins with the line WEBVTT")
    elif path.suffix.lower() == ".json":
        raise InputError(f"{path}, line 1: not JSON; a Whisper transcript is an object with `segments`")
    elif path.suffix.lower() == ".srt" or "-->" in text:
        found = _cues(path, text, {name.casefold() for name in names})
    else:
        raise InputError(f"{path}: neither WebVTT, SRT nor Whisper JSON; convert it to one of these")
    spoken = [utterance for utterance in found if utterance.text]
    return tuple(sorted(_with_speakers(spoken), key=lambda u: (u.start_ms, u.end_ms)))


def _read(path: Path) -> str:
    """Return the text with plain line ends: by its byte order mark, else UTF-8, else Windows-1252."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise InputError(f"{path}: not a text file; a transcript is WebVTT, SRT or Whisper JSON")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _blocks(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yield runs of lines between blank ones as (line number, line)."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []


def _cues(path: Path, text: str, names: set[str]) -> Iterator[Utterance]:
    for block in _blocks(text):
        at = next((i for i, (_, line) in enumerate(block[:2]) if "-->" in line), None)
        first = block[0][1]
        if at is None and re.match(r"\ufeff?(WEBVTT|NOTE|STYLE|REGION)(\s|$)", first):
            continue
        if at is None:
            if len(block) == 1 and first.strip().isdigit():
                continue  # the counter of a cue without times or words
            raise InputError(f"{path}, line {block[0][0]}: a cue without a line `start --> end`")
        number, line = block[at]
        start_ms, end_ms = _interval(path, number, line)
        words = "\n".join(line for _, line in block[at + 1 :])
        for speaker, spoken in _voices(words, names):
            yield _checked(f"{path}, line {number}", Utterance(start_ms, end_ms, speaker, spoken))


def _interval(path: Path, number: int, line: str) -> tuple[int, int]:
    match = TIMING.match(line)
    if match is None:
        raise InputError(f"{path}, line {number}: not of the form `HH:MM:SS.mmm --> HH:MM:SS.mmm`")
    parts = match.groups()
    return _stamp(path, number, parts[:4]), _stamp(path, number, parts[4:])


def _stamp(path: Path, number: int, parts: tuple[str | Any, ...]) -> int:
    hours, minutes, seconds = int(parts[0] or 0), int(parts[1]), int(parts[2])
    if minutes > 59 or seconds > 59:
        raise InputError(f"{path}, line {number}: minutes and seconds are at most 59")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int(parts[3].ljust(3, "0"))


def _voices(words: str, names: set[str]) -> Iterator[tuple[str | None, str]]:
    """Yield (speaker, text): by `<v Name>` spans where there are any, else by a `NAME:` prefix."""
    before, *spans = VOICE.split(words)
    if before.strip() or not spans:
        yield _prefixed(_plain(before), names)
    for speaker, spoken in zip(spans[::2], spans[1::2], strict=True):
        yield html.unescape(speaker).strip(), _plain(spoken)


def _prefixed(text: str, names: set[str]) -> tuple[str | None, str]:
    """Split a prefix off where it is in capitals, a role or a known name: `Note: ...` is no speaker."""
    match = PREFIX.match(text)
    if match is None:
        return None, text
    name = match["name"].strip()
    if name.isupper() or ROLE.match(name) or name.casefold() in names:
        return name, match["text"].strip()
    return None, text


def _plain(words: str) -> str:
    return " ".join(html.unescape(TAG.sub("", words)).split())


def _segments(path: Path, text: str) -> Iterator[Utterance]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: not valid JSON; write the transcript again") from None
    except RecursionError:
        raise InputError(f"{path}: JSON nested too deeply to be a transcript") from None
    segments = document.get("segments") if isinstance(document, dict) else document
    if not isinstance(segments, list):
        raise InputError(f"{path}: has no list `segments`; Whisper and WhisperX JSON are read")
    for index, segment in enumerate(segments):
        where = f"{path}, segment {index}"
        if not isinstance(segment, dict) or not isinstance(segment.get("text"), str):
            raise InputError(f"{where}: not an object with `start`, `end` and `text`")
        start_ms, end_ms = (_seconds(where, segment, name) for name in ("start", "end"))
        speaker = segment.get("speaker")
        speaker = None if speaker is None else str(speaker)
        yield _checked(where, Utterance(start_ms, end_ms, speaker, _plain(segment["text"])))


def _seconds(where: str, segment: dict[str, Any], name: str) -> int:
    value = segment.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LATEST_MS / 1000:
        raise InputError(f"{where}: `{name}` is not a time in seconds")
    return round(value * 1000)


def _checked(where: str, utterance: Utterance) -> Utterance:
    if utterance.end_ms < utterance.start_ms:
        raise InputError(f"{where}: ends before it starts")
    if utterance.end_ms > LATEST_MS:
        raise InputError(f"{where}: more than a week after the start")
    if len(utterance.text) > LONGEST_TEXT:
        raise InputError(f"{where}: longer than {LONGEST_TEXT} characters; split it into sentences")
    return utterance


def _with_speakers(utterances: list[Utterance]) -> Iterator[Utterance]:
    """Yield the utterances, one without a speaker with that of the utterance before it."""
    speaker: str | None = None
    for utterance in utterances:
        speaker = utterance.speaker or speaker
        yield replace(utterance, speaker=speaker)
