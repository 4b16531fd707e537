"""Subtitle files as cues: WebVTT by the standard's own algorithm, SubRip and SBV, which have no standard.

WebVTT: https://www.w3.org/TR/webvtt1/#webvtt-file-parsing ("collect a WebVTT block"). Only what a player
would throw away is looked at once more: a cue whose end cannot be read keeps its words, and a counter before
a cue that follows without a blank line is no words. In SubRip a cue lasts until the next line of times,
whatever blank lines lie in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

STAMP = r"-?\s*(?:\d+:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,9})?"
STAMPED = re.compile(r"(-?)\s*(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?")
SBV = re.compile(rf"\s*({STAMP})\s*,\s*({STAMP})\s*")  # 0:00:01.000,0:00:02.500
ARROW = "-->"
TIMES = re.compile(r"(?=.*-->).*?-?\d+:\d+")  # an arrow, and a time on one side of it at least
TAG = re.compile(r"<[^<>]*>")
ADJACENT_MS = 100  # between cues that roll up


@dataclass(frozen=True)
class Cue:
    """Words in one interval as a file has them; a time is None where it cannot be read."""

    where: str  # "line 7", "segment 3"
    start_ms: int | None
    end_ms: int | None
    text: str  # with its markup and line ends
    speaker: str | None = None  # as the format names it, apart from the words
    changed: bool = False  # another speaker than before, who is not named
    language: str | None = None  # as the file states it


def is_timed(line: str) -> bool:
    """Say whether a line states when a cue is shown; an arrow alone may be words."""
    return TIMES.match(line) is not None or SBV.fullmatch(line) is not None


def webvtt(text: str) -> tuple[list[Cue], list[int]]:
    """Return the cues of a WebVTT file, and the lines at which words begin that belong to no cue."""
    lines = text.replace("\0", "\ufffd").split("\n")
    at = next((i for i, line in enumerate(lines) if i and (line == "" or TIMES.match(line))), len(lines))
    stated = (re.match(r"Language:\s*([\w-]+)", line) for line in lines[:at])
    language = next((match[1] for match in stated if match), None)
    found: list[Cue] = []
    stray: list[int] = []
    numbered = False
    while at < len(lines):
        if lines[at] == "":
            at += 1
            continue
        block, at, interrupted = _block(lines, at)
        arrow = next((i for i, (_, line) in enumerate(block[:2]) if TIMES.match(line)), None)
        if arrow is None:
            if not re.match(r"(NOTE|STYLE|REGION)(\s|$)|\d+$", block[0][1]):
                stray.append(block[0][0])
            continue
        numbered = numbered or (arrow == 1 and block[0][1].strip().isdigit())
        words = [line for _, line in block[arrow + 1 :]]
        if interrupted and numbered and words and words[-1].strip().isdigit():
            words.pop()
        number, line = block[arrow]
        found.append(Cue(f"line {number}", *_times(line), "\n".join(words), language=language))
    return rolled(found), stray


def _block(lines: list[str], at: int) -> tuple[list[tuple[int, str]], int, bool]:
    """Return a block as numbered lines, where the next begins, and whether that cuts this one short."""
    block: list[tuple[int, str]] = []
    seen = False
    while at < len(lines) and lines[at] != "":
        if TIMES.match(lines[at]):
            if len(block) > 1 or seen:
                return block, at, True
            seen = True
        block.append((at + 1, lines[at]))
        at += 1
    return block, at, False


def subrip(text: str) -> list[Cue]:
    """Return the cues of a SubRip or SBV file."""
    lines = text.split("\n")
    at = [i for i, line in enumerate(lines) if is_timed(line)]
    counted = any(lines[i - 1].strip().isdigit() for i in at[:2] if i)
    found = []
    for i, following in pairwise([*at, len(lines)]):
        words = [line for line in lines[i + 1 : following] if line.strip()]
        if counted and following < len(lines) and words and words[-1].strip().isdigit():
            words.pop()
        found.append(Cue(f"line {i + 1}", *_times(lines[i]), "\n".join(words)))
    return rolled(found)


def _times(line: str) -> tuple[int | None, int | None]:
    if ARROW not in line:
        start, _, end = line.partition(",") if line.count(",") == 1 else _halves(line)
    else:
        start, _, end = line.partition(ARROW)
    return stamp_ms(start), stamp_ms(end)


def _halves(line: str) -> tuple[str, str, str]:
    match = SBV.fullmatch(line)
    assert match
    return match[1], ",", match[2]


def stamp_ms(text: str) -> int | None:
    """Return the time that ``text`` begins with, in ms; None where it is none."""
    match = STAMPED.match(text.strip())
    if match is None:
        return None
    sign, hours, minutes, seconds, fraction = match.groups()
    if int(minutes) > 59 or int(seconds) > 59:
        return None
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return (-1 if sign else 1) * (whole * 1000 + int((fraction or "0").ljust(3, "0")[:3]))


def rolled(cues: list[Cue]) -> list[Cue]:
    """Return the cues without the lines that a caption, rolling up, repeats of the one before it."""
    cues = _unmarked(cues)
    kept = list(_unrepeated(cues))
    rolls = any(
        "\n" in old.text.strip() and new.text != old.text for old, new in zip(cues, kept, strict=True)
    )
    return kept if rolls else cues


def _unmarked(cues: list[Cue]) -> list[Cue]:
    """Return the cues, one for those that follow each other and differ only in which word is marked."""
    found: list[Cue] = []
    for cue in cues:
        before = found[-1] if found else None
        same = before is not None and _plain(before.text) == _plain(cue.text) != ""
        if before is not None and same and _tags(before) != _tags(cue) and _follows(before.end_ms, cue):
            found[-1] = replace(before, end_ms=cue.end_ms)
        else:
            found.append(cue)
    return found


def _plain(text: str) -> str:
    return " ".join(TAG.sub("", text).split())


def _tags(cue: Cue) -> list[str]:
    """Return the words, cut at the tags."""
    return TAG.split(" ".join(cue.text.split()))


def _follows(end_ms: int | None, cue: Cue) -> bool:
    return end_ms is not None and cue.start_ms is not None and abs(cue.start_ms - end_ms) <= ADJACENT_MS


def _unrepeated(cues: list[Cue]) -> Iterator[Cue]:
    shown: list[str] = []
    until_ms: int | None = None
    for cue in cues:
        lines = [line for line in cue.text.split("\n") if line.strip()]
        plain = [_plain(line) for line in lines]
        most = min(len(shown), len(plain)) if _follows(until_ms, cue) else 0
        repeated = next((n for n in range(most, 0, -1) if shown[-n:] == plain[:n]), 0)
        shown, until_ms = plain, cue.end_ms
        yield replace(cue, text="\n".join(lines[repeated:])) if repeated else cue
