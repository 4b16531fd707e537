"""What `replay` plays: media or recordings, a part of each, how often, and under which ids and runs."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from affectstream.producers.playback import Play, Playable, Source
from affectstream.producers.runs import claimed, new_run
from affectstream.runtime.recordings import PART, SUFFIX
from affectstream.runtime.settings import Settings
from affectstream.schemas import policy
from affectstream.schemas.errors import InputError, Unavailable
from affectstream.schemas.messages import PARTIES, Party
from affectstream.schemas.topics import MEDIA, PROBABILITIES, Topic

if TYPE_CHECKING:
    from affectstream.runtime.recording import Recording
    from affectstream.session_file import SessionArguments

AgainWord = Literal["refuse", "replace", "apart"]

MOST_DIGITS = 30  # of a time; what it means is judged later
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Given:
    """A source, and what is known of it before it is read."""

    source: Source
    end_ms: int  # event time; of media as their files declare it
    parties: frozenset[Party]
    purpose: str | None  # under which an agent among them is analysed


@dataclass(frozen=True)
class Span:
    """A part of a recording, in seconds from its start."""

    from_s: float | None = None
    to_s: float | None = None


@dataclass(frozen=True)
class Often:
    """How often something is played, and what tells one from the other."""

    loops: int = 1
    copies: int = 1
    offset_s: float = 0.0  # between the starts of those that are beside each other
    id_suffix: str = ""


@dataclass(frozen=True)
class Wanted:
    """What the options ask for."""

    span: Span
    often: Often
    start_ms: int | None  # None: as recorded
    snap: bool  # to a time before, such that windows are those of the recording


def are_recordings(paths: Sequence[Path]) -> bool:
    """Say whether MCAP files are given; raises InputError where other files are among them."""
    named = [path.name.removesuffix(PART).endswith(SUFFIX) for path in paths]
    if any(named) and not all(named):
        raise InputError("recordings (.mcap) and media cannot be replayed together; give one or the other")
    return any(named)


def refuse_of_media(arguments: "SessionArguments") -> None:
    """Raise InputError where an option for media is given with a recording, which knows all that."""
    options = {
        "--party": arguments.parties,
        "--channels": arguments.channels,
        "--transcript": arguments.transcript,
        "--speaker": arguments.speakers,
        "--offset": arguments.offsets,
    }
    if given := next((option for option, value in options.items() if value), None):
        raise InputError(f"{given} is for media; a recording (.mcap) holds whose is what")


def recordings(arguments: "SessionArguments", settings: Settings, results: bool) -> list[Given]:
    """Return the sources of MCAP files, and note that they are read.

    Raises InputError where a file holds nothing to replay, PolicyError for a party that may not be analysed.
    """
    from affectstream.recordings import note_files
    from affectstream.runtime.recording import open_recording

    if arguments.session and len(arguments.inputs) > 1:
        raise InputError("--session names one session; with several recordings use --id-suffix")
    topics = [PROBABILITIES] if results else list(MEDIA.values())
    purpose = arguments.purpose or settings.policy.agent_purpose
    found = []
    for path in arguments.inputs:
        recording = open_recording(path)
        if not recording.holds(*topics):
            lacks = (
                "no results: leave --results out"
                if results
                else "no media: --results plays what was made of it"
            )
            raise InputError(f"{path}: holds {lacks}")
        parties = frozenset(p for p in PARTIES if any(each.party == p for each in recording.streams))
        for party in parties:
            policy.require(party, purpose)
        note_files([path], recording.session_id, settings.policy)
        source = _source(recording, arguments.session or recording.session_id, topics)
        found.append(Given(source, recording.end_ms, parties, purpose))
    return found


def _source(recording: "Recording", session_id: str, topics: Sequence[Topic]) -> Source:
    def read(start_ms: int, end_ms: int | None) -> Iterator[Playable]:
        for each in recording.messages(topics, start_ms, end_ms):
            yield each.message  # type: ignore[misc]  # of these topics

    return Source(session_id, recording.start_ms, read, PROBABILITIES in topics)


def check_one_run(given: Sequence[Given], often: Often, run: str | None) -> None:
    """Raise InputError where one run is named for several playings."""
    if run and len(given) * often.copies * often.loops > 1:
        raise InputError("--run names one run; loops, copies and several recordings draw theirs")


async def plays(
    given: Sequence[Given], wanted: Wanted, settings: Settings, again: AgainWord, run: str | None
) -> list[list[Play]]:
    """Return what each player plays, under ids and runs that are claimed."""
    often, window_ms = wanted.often, settings.fusion.window_ms
    taken: set[str] = set()
    players = []
    for number in range(len(given) * often.copies):
        each = given[number // often.copies]
        from_ms, to_ms = _part(each, wanted.span, window_ms)
        start_ms = _start_ms(from_ms, wanted, window_ms) + _whole(1000 * number * often.offset_s, window_ms)
        its = []
        for _ in range(often.loops):
            name, own = each.source.session_id + often.id_suffix, run or new_run()
            session_id = await _claimed(settings, name, own, "apart" if name in taken else again, taken)
            taken |= {name, session_id}
            its.append(
                Play(each.source, session_id, own, start_ms, from_ms, to_ms or each.end_ms, to_ms is not None)
            )
        players.append(its)
    return players


async def _claimed(settings: Settings, session_id: str, run: str, again: AgainWord, taken: set[str]) -> str:
    """Claim a run of a session; returns the id to send it under."""
    try:
        return await claimed(settings.redis, session_id, run, again)
    except Unavailable as error:
        Console(stderr=True).print(
            f"warning: whether session {session_id} was sent before is not known: {error}", markup=False
        )
    ids = (f"{session_id}-{number}" for number in range(2, len(taken) + 3))
    return session_id if session_id not in taken else next(each for each in ids if each not in taken)


def _part(given: Given, span: Span, window_ms: int) -> tuple[int, int | None]:
    """Return the part of a source in event time, in whole windows; None: to its end."""
    start_ms, from_ms, to_ms = given.source.start_ms, given.source.start_ms, None
    if span.from_s is not None:
        from_ms = start_ms + round(span.from_s * 1000)
        from_ms -= from_ms % window_ms
    if span.to_s is not None:
        to_ms = start_ms + round(span.to_s * 1000)
        to_ms += -to_ms % window_ms
    if from_ms >= (given.end_ms if to_ms is None else to_ms):
        length_s = (given.end_ms - start_ms) / 1000
        raise InputError(f"no window lies between --from and --to; the recording is {length_s:.0f} s long")
    return from_ms, to_ms


def _start_ms(from_ms: int, wanted: Wanted, window_ms: int) -> int:
    if wanted.start_ms is None:
        return from_ms
    return from_ms + _whole(wanted.start_ms - from_ms, window_ms) if wanted.snap else wanted.start_ms


def _whole(ms: float, window_ms: int) -> int:
    return int(ms // window_ms) * window_ms


def seconds(text: str | None, option: str) -> float | None:
    """Return the seconds of `90`, `1:30` or `1:02:03`; raises InputError."""
    if text is None:
        return None
    total = 0.0
    try:
        for part in text.split(":"):
            total = 60 * total + float(part)
    except ValueError:
        total = -1.0
    if not 0 <= total < 1e7 or text.count(":") > 2:
        raise InputError(f"{option} {text}: seconds from the start of the recording, or 1:30, or 1:02:03")
    return total


def require_analysed(given: Sequence[Given]) -> None:
    """Refuse a party whom the `affectstream up` that this goes to does not analyse."""
    from affectstream.runtime.settings import local, running_here
    from affectstream.schemas.policy import permits

    here = local.running() if running_here() else None
    parties = {party for each in given for party in each.parties}
    refused = {party for party in parties if here and not permits(party, here.get("agent_purpose"))}
    if refused:
        raise InputError(
            f"the running `affectstream up` does not analyse the party {' or '.join(sorted(refused))}: "
            f"start it with `affectstream up --agent-purpose {given[0].purpose or 'PURPOSE'}`"
        )


def begin_ms(start: str) -> int:
    """Return the event time that `--start` names, of now for `recorded`; raises InputError."""
    from affectstream.session_file import LATEST_START_MS

    if start in ("now", "recorded"):
        return int(time.time() * 1000)
    if start.isascii() and start.isdigit() and len(start) <= MOST_DIGITS:
        if time.time() * 1000 + DAY_MS < int(start) < LATEST_START_MS:  # beyond, it is the unit that is wrong
            raise InputError(f"--start {start}: lies in the future; it is in milliseconds since the epoch")
        return int(start)
    raise InputError(f"--start {start}: `now`, `recorded`, or milliseconds since the epoch as a whole number")
