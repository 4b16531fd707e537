"""Times of a transcript held against the recording: utterances that lie within it.

One bad time costs at most its own cue: an end that is missing, before its start or after the recording is
replaced, a cue that starts outside is left out, and both are counted. Whole hours by which all times are
shifted, as studio clocks begin at 01:00:00 or 10:00:00, are taken off.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from affectstream.producers.subtitles import Cue
from affectstream.runtime.log import notice
from affectstream.schemas.errors import InputError

HOUR_MS = 3_600_000
LONGEST_MS = 10 * 60_000  # of an utterance, where no recording bounds it
LATEST_MS = 24 * HOUR_MS
ROUNDED_MS = 1_000  # by which the last end may lie after the recording: recognisers round up
WINDOW_MS, WINDOW_REACHED_MS = 30_000, 20_000  # of Whisper: its length, and where its words at least end
BACK_MS = 10_000  # by which the times fall where a window begins
WORD_MS, SHORTEST_MS = 400, 1_000  # how long words whose end is unknown are taken to last


@dataclass(frozen=True)
class Utterance:
    """The words of one speaker in one interval, in ms after the zero of the recording."""

    start_ms: int
    end_ms: int
    speaker: str | None
    text: str
    changed: bool = False  # another speaker than before, who is not named
    language: str | None = None  # as the file states it


def within(path: Path, cues: Sequence[Cue], length_ms: int | None, from_ms: int = 0) -> tuple[Utterance, ...]:
    """Return the cues with words, by start, from ``from_ms`` to the end of a recording (None: not known).

    Raises InputError where no cue can be placed.
    """
    timed = [cue for cue in cues if cue.start_ms is not None]
    if cues and not timed:
        raise InputError(
            f"{path}, {cues[0].where}: no time of the form `HH:MM:SS.mmm --> HH:MM:SS.mmm`, nor in s"
        )
    latest_ms = LATEST_MS if length_ms is None else length_ms
    _check_unit(path, timed, latest_ms)
    timed, stated = _once(path, timed), len(timed)
    count = len(cues) - stated + len(timed)
    off_ms = _shift_ms(path, [cue.start_ms or 0 for cue in timed], latest_ms)
    kept = []
    for cue in timed:
        start_ms = (cue.start_ms or 0) - off_ms
        end_ms = None if cue.end_ms is None else cue.end_ms - off_ms
        if start_ms < latest_ms and (start_ms >= from_ms or (end_ms or 0) > from_ms):
            kept.append(replace(cue, start_ms=start_ms, end_ms=end_ms))
    kept.sort(key=lambda cue: (cue.start_ms or 0, cue.end_ms or 0))
    found, mended = _ended(kept, length_ms, from_ms)
    _report(path, count, count - len(kept), mended)
    return found


def read_on(path: Path, cues: list[Cue], length_ms: int | None) -> list[Cue]:
    """Return the cues, in the order of the file, with times that begin anew every half minute read on.

    Pipelines of Hugging Face (transformers 4.42 to 4.50, issues 31942 and 34210) state times within each of
    Whisper's windows of 30 s. The next window begins after the last words, or, where nothing follows them,
    after the whole 30 s, which the file does not say: windows of 30 s are taken where as many as there are
    fit the recording.
    """
    windows = _windows(cues)
    if len(windows) < 2:
        return cues
    whole = length_ms is not None and len(windows) == -(-length_ms // WINDOW_MS)
    found, at_ms = [], 0
    for window in windows:
        found += [_later(cue, at_ms) for cue in window]
        at_ms += WINDOW_MS if whole else _last_ms(window)
    if length_ms is not None and at_ms - (WINDOW_MS if whole else 0) > length_ms + ROUNDED_MS:
        return cues
    notice(
        path,
        f"its times begin anew {len(windows) - 1} times, as Whisper's windows of 30 s do; they are read on, "
        "and may be some seconds early or late",
    )
    return found


def _windows(cues: Sequence[Cue]) -> list[list[Cue]]:
    """Return the cues cut where their times begin anew; whole where these cannot be Whisper's windows."""
    windows: list[list[Cue]] = [[]]
    for cue in cues:
        if windows[-1] and cue.start_ms is not None and cue.start_ms < _last_ms(windows[-1]) - BACK_MS:
            windows.append([])
        windows[-1].append(cue)
    ends = [_last_ms(window) for window in windows if window]
    reach = all(WINDOW_REACHED_MS <= end <= WINDOW_MS + ROUNDED_MS for end in ends[:-1])
    fits = bool(ends) and ends[-1] <= WINDOW_MS + ROUNDED_MS
    alone = all(cue.speaker is None for cue in cues)
    return windows if reach and fits and alone else [list(cues)]


def _last_ms(window: Sequence[Cue]) -> int:
    return max(cue.end_ms or cue.start_ms or 0 for cue in window)


def _later(cue: Cue, by_ms: int) -> Cue:
    return replace(
        cue,
        start_ms=None if cue.start_ms is None else cue.start_ms + by_ms,
        end_ms=None if cue.end_ms is None else cue.end_ms + by_ms,
    )


def _once(path: Path, cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues, each once: a transcript that was appended to itself has the same words twice."""
    found = {(cue.start_ms, cue.end_ms, cue.speaker, cue.text): cue for cue in reversed(cues)}
    if twice := len(cues) - len(found):
        notice(
            path, f"{twice} of {len(cues)} cues are there twice, with the same times and words; counted once"
        )
    return list(reversed(found.values()))


def _check_unit(path: Path, cues: Sequence[Cue], latest_ms: int) -> None:
    """Raise InputError where the times cannot be those of a recording at all."""
    times = [ms for cue in cues for ms in (cue.start_ms, cue.end_ms) if ms is not None]
    if not times:
        return
    if len(cues) > 2 and len(set(times)) == 1:
        raise InputError(f"{path}: all its cues are at {times[0] / 1000:g} s; write it again with its times")
    outside = sum(ms > latest_ms + ROUNDED_MS for ms in times)
    whole = all(ms % 1000 == 0 for ms in times) and cues[0].where.startswith("segment")  # numbers of JSON
    if whole and 2 * outside >= len(times) and latest_ms <= max(times) // 250 <= 5 * latest_ms:
        raise InputError(f"{path}: its times look like milliseconds; write them in seconds")


def _shift_ms(path: Path, starts: Sequence[int], latest_ms: int) -> int:
    """Return by how many whole hours all times are shifted; raises InputError where all lie outside."""
    if not starts or min(starts) < latest_ms:
        return 0
    off_ms = min(starts) // HOUR_MS * HOUR_MS
    if off_ms and max(starts) - off_ms < latest_ms:
        notice(path, f"all times are {off_ms // HOUR_MS} h after the recording's; these hours are taken off")
        return off_ms
    raise InputError(
        f"{path}: its first words are at {min(starts) / 1000:,.0f} s, after the end of the recording at "
        f"{latest_ms / 1000:,.0f} s; is it the transcript of another one, or are its times in another unit? "
        "A clock that is shifted is set right by --offset transcript=SECONDS"
    )


def _ended(cues: Sequence[Cue], length_ms: int | None, from_ms: int) -> tuple[tuple[Utterance, ...], int]:
    """Return the utterances, and how many of their times had to be replaced."""
    found, mended = [], 0
    starts = [max(from_ms, cue.start_ms or 0) for cue in cues]
    for cue, start_ms in zip(cues, starts, strict=True):
        after = bisect_right(starts, start_ms)
        following = starts[after] if after < len(starts) else None
        end_ms, good = _end_ms(start_ms, cue, following, length_ms)
        mended += not good or (cue.start_ms or 0) < from_ms
        if cue.text:
            found.append(Utterance(start_ms, end_ms, cue.speaker, cue.text, cue.changed, cue.language))
    return tuple(found), mended


def _end_ms(start_ms: int, cue: Cue, following: int | None, length_ms: int | None) -> tuple[int, bool]:
    """Return where a cue ends, and whether that is what the file states, but for rounding."""
    last_ms = start_ms + LONGEST_MS if length_ms is None else length_ms
    if cue.end_ms is not None and start_ms < cue.end_ms <= last_ms + ROUNDED_MS:
        return min(cue.end_ms, last_ms), True
    if cue.end_ms is not None and cue.end_ms > last_ms and length_ms is not None:
        return (last_ms if following is None else following), False
    spoken_ms = start_ms + max(SHORTEST_MS, WORD_MS * len(cue.text.split()))
    return min(spoken_ms, last_ms, *([] if following is None else [following])), False


def _report(path: Path, cues: int, left_out: int, mended: int) -> None:
    if mended:
        notice(path, f"{mended} of {cues} cues had a time that cannot be, or no end; estimated")
    if left_out:
        notice(path, f"{left_out} of {cues} cues start outside the recording, or at no time; left out")
