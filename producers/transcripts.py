"""Transcript files (WebVTT, SRT, SBV, JSON of Whisper, its kin and cloud services) as utterances.

Times are whole milliseconds after the zero of the recording. Errors name the file and the line (for JSON the
segment), never the words.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from affectstream.producers import whisper
from affectstream.producers.bounds import Utterance, read_on, within
from affectstream.producers.names import named
from affectstream.producers.subtitles import Cue, is_timed, subrip, webvtt
from affectstream.runtime.log import notice
from affectstream.schemas.errors import InputError

__all__ = ["LONGEST_TEXT", "Utterance", "load"]

SUBTITLES = (".srt", ".sbv")
SCRIPT = re.compile(r"\[(?:[A-Za-z][\w +]*\]\s*\n|\d+:\d|[a-z]+:)")  # of Advanced SubStation, settings, LRC
TABLE = re.compile(r"start\tend\ttext\n")
LARGEST_BYTES = 64 << 20  # of a file: a day of speech with the times of every word has about 30 MB
LONGEST_TEXT = 8_000  # characters of one utterance: with context it stays below the limit of the topic


def load(
    path: Path, names: Iterable[str] = (), until_ms: int | None = None, offset_ms: int = 0
) -> tuple[Utterance, ...]:
    """Return the utterances of a file by start, none of them after ``until_ms`` (None: not known).

    ``names`` are speakers to look for as ``NAME:`` prefixes. With a negative ``offset_ms`` the recording
    begins that long after the zero of the file. Raises InputError.
    """
    cues, carried = _cues(path, _read(path))
    if not carried:  # JSON
        cues = read_on(path, cues, until_ms)
    found = named(cues, {name.casefold() for name in names}, carried)
    if long := next((cue for cue in found if len(cue.text) > LONGEST_TEXT), None):
        raise InputError(
            f"{path}, {long.where}: longer than {LONGEST_TEXT} characters; split it into sentences"
        )
    return within(path, found, until_ms, max(0, -offset_ms))


def _cues(path: Path, text: str) -> tuple[list[Cue], bool]:
    """Return the cues, and whether one without a name is by the speaker before, as in captions."""
    kind, begin = path.suffix.lower(), text.lstrip()
    timed = any(map(is_timed, text.split("\n")))
    if re.match(r"WEBVTT(\s|$)", begin):
        return _webvtt(path, begin), True
    if not begin and kind not in SUBTITLES:
        raise InputError(f"{path}: the file is empty; write the transcript again")
    if TABLE.match(begin):
        return whisper.table(begin), False
    if begin.startswith(("{", "[")) and (kind == ".json" or not (timed or SCRIPT.match(begin))):
        return whisper.cues(path, text), False
    if kind not in (".vtt", ".json") and (timed or (kind in SUBTITLES and not begin)):
        return subrip(text), True
    raise InputError(_refusal(path, kind))


def _refusal(path: Path, kind: str) -> str:
    """Return why a file is no transcript, by the ending of its name."""
    why = {
        ".vtt": ", line 1: a WebVTT file begins with the line WEBVTT",
        ".json": ", line 1: not JSON; a Whisper transcript is an object with `segments`",
        **dict.fromkeys(SUBTITLES, ", line 1: a cue without a line `start --> end`"),
    }
    other = ": neither WebVTT, SRT, JSON of a recogniser nor a table of Whisper; convert it to one of these"
    return f"{path}{why.get(kind, other)}"


def _webvtt(path: Path, text: str) -> list[Cue]:
    cues, stray = webvtt(text)
    if stray and not cues:
        raise InputError(f"{path}, line {stray[0]}: a cue without a line `start --> end`")
    if stray:
        notice(path, f"{len(stray)} blocks of text belong to no cue, after a blank line within one; left out")
    return cues


def _read(path: Path) -> str:
    """Return the text with plain line ends: by its byte order mark, else UTF-8, else Windows-1252."""
    if not path.is_file():
        raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}; check the path")
    if path.stat().st_size > LARGEST_BYTES:
        raise InputError(f"{path}: larger than {LARGEST_BYTES >> 20} MiB; split it")
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            wide = "utf-16-be" if data[:3:2] == b"\0\0" else "utf-16-le" if data[1:2] == b"\0" else None
            text = data.decode(wide or "utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise InputError(f"{path}: not a text file; a transcript is WebVTT, SRT or JSON of a recogniser")
    return text.replace("\r\n", "\n").replace("\r", "\n")
