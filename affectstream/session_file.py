"""The plan of a recorded session, from the arguments of a command or from a session.json."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from affectstream.extras import require
from affectstream.pairs import LONGEST_OFFSET_S, offset_s, party_named, session_name, speakers_named, split
from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.runtime.settings import ProducerSettings, Settings
from affectstream.schemas.errors import InputError, PolicyError
from affectstream.schemas.messages import Party
from affectstream.schemas.policy import PURPOSES, permits

LATEST_START_MS = 4_102_444_800_000  # the year 2100
NOBODY, MIX, BOTH = "-", "mix", "both"  # in --channels


class PartyFile(BaseModel):
    """One party of a session.json; paths are relative to that file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    party: Party
    media: Path | None = None
    transcript: Path | None = None
    channel: int | None = Field(None, ge=0)  # of sound, or the track where there are several, from 0
    mixed: bool = False  # all channels and tracks are this party's
    offset_s: float = Field(0, ge=0, le=LONGEST_OFFSET_S)  # when the files begin, after the session does


class SessionFile(BaseModel):
    """A session.json: several parties with their files, and under which purpose the agent is analysed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session: str
    parties: tuple[PartyFile, ...] = Field(min_length=1)
    speakers: dict[str, Party] = {}  # names in the transcript
    transcript_offset_s: float = Field(0, ge=-LONGEST_OFFSET_S, le=LONGEST_OFFSET_S)
    agent_purpose: str | None = None
    about: str = ""  # for readers
    events: tuple[dict[str, object], ...] = ()  # what happens when, for readers


class Event(NamedTuple):
    """What is known to have happened in a recording, in seconds from its start."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class SessionArguments:
    """The arguments of `analyze` and `replay` that describe the session."""

    inputs: Sequence[Path]
    parties: Sequence[str] = ()  # "agent=agent.flac"
    channels: str | None = None  # "customer,agent"
    transcript: Path | None = None
    speakers: Sequence[str] = ()  # "customer=Ana"
    session: str | None = None
    purpose: str | None = None
    offsets: Sequence[str] = ()  # "agent=1.5", in seconds
    one_voice: bool = False  # the first recording is known to be one person's


def plan(
    arguments: SessionArguments,
    producer: ProducerSettings,
    start_ms: int,
    purpose: str | None,
    redact: bool = True,
) -> SessionPlan:
    """Return the plan; ``purpose`` is the setting, which the options or a file may name instead."""
    first = _only(arguments.inputs)
    _check_start(start_ms)
    file = (
        _with_options(first, arguments)
        if first.suffix.lower() == ".json"
        else _from_arguments(first, arguments)
    )
    file = _offset(file, arguments.offsets)
    purpose = arguments.purpose or file.agent_purpose or purpose
    _check_mixture(file, purpose)
    parties = tuple(_source(party, first.parent) for party in file.parties)
    stated = arguments.channels or arguments.transcript or arguments.one_voice
    if first.suffix.lower() != ".json" and not stated:
        parties = (replace(parties[0], assumed=True), *parties[1:])
    for path in (path for party in parties for path in (party.media, party.transcript) if path):
        if not path.exists():
            raise InputError(f"{path}: no such file; check the path")
    return SessionPlan(
        session_id=arguments.session or file.session,
        start_ms=start_ms,
        parties=parties,
        fps=producer.fps,
        max_side=producer.max_side,
        jpeg_quality=producer.jpeg_quality,
        chunk_ms=producer.chunk_ms,
        hop_ms=producer.hop_ms,
        agent_purpose=purpose,
        speakers=file.speakers,
        transcript_offset_ms=round(1000 * file.transcript_offset_s),
        redact=redact,
    )


def _only(inputs: Sequence[Path]) -> Path:
    if len(inputs) != 1:
        raise InputError(
            "name one media file or one session.json; further parties come with --party NAME=FILE"
        )
    if not inputs[0].exists():
        raise InputError(f"{inputs[0]}: no such file")
    return inputs[0]


def events(first: Path) -> tuple[Event, ...]:
    """Return what a session.json says to have happened, nothing for other files; for those who look at it."""
    found = _read(first).events if first.suffix.lower() == ".json" else ()
    named = [(each.get("start_s"), each.get("end_s"), each.get("event")) for each in found]
    return tuple(
        Event(start_s, end_s, text)
        for start_s, end_s, text in named
        if isinstance(start_s, int | float) and isinstance(end_s, int | float) and isinstance(text, str)
    )


def _check_start(start_ms: int) -> None:
    if not 0 <= start_ms <= LATEST_START_MS:
        raise InputError(
            f"a start of {start_ms} is not possible: it is in whole milliseconds since 1970, 0 to "
            f"{LATEST_START_MS} (the year 2100); were these seconds, microseconds or nanoseconds?"
        )


def _check_mixture(file: SessionFile, purpose: str | None) -> None:
    """Refuse a mixture of both parties as the agent is refused; raises PolicyError."""
    if permits("other", purpose):
        return
    if any(party.party == "other" and party.media and party.mixed for party in file.parties):
        raise PolicyError(
            "a recording of both parties on one track holds the agent's voice, whose emotions may not be "
            f"inferred at work in the EU. Name one of the permitted purposes with --agent-purpose: "
            f"{', '.join(PURPOSES)}; or give the customer a channel of its own"
        )


def recognising(settings: Settings, asked: bool, command: str) -> Settings:
    """Return the settings under which words are recognised where that is asked for, or set.

    Raises Unavailable, naming what to install, where it is not installed.
    """
    if not (asked or settings.asr.enabled):
        return settings
    require(command, ("asr",))
    return settings.model_copy(update={"asr": settings.asr.model_copy(update={"enabled": True})})


def _source(party: PartyFile, folder: Path) -> PartySource:
    return PartySource(
        party=party.party,
        media=folder / party.media if party.media else None,
        transcript=folder / party.transcript if party.transcript else None,
        channel=party.channel,
        mixed=party.mixed,
        offset_ms=round(1000 * party.offset_s),
    )


def _read(path: Path) -> SessionFile:
    try:
        return SessionFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path} is not a session file: {where or 'it'}: {first['msg']}") from None


def _with_options(path: Path, arguments: SessionArguments) -> SessionFile:
    """Return a session.json with the options that add to it; or raise InputError."""
    file = _read(path)
    refused = {"--party": arguments.parties, "--channels": arguments.channels, "-t": arguments.transcript}
    if given := next((option for option, value in refused.items() if value), None):
        raise InputError(f"{path} names the files of all parties itself; write there what {given} says")
    return file.model_copy(update={"speakers": file.speakers | speakers_named(arguments.speakers)})


def _offset(file: SessionFile, pairs: Sequence[str]) -> SessionFile:
    """Return the session with the offsets of pairs such as `agent=1.5` or `transcript=-36000`."""
    parties = {party.party: party for party in file.parties}
    for name, value in (split(pair, "--offset agent=1.5") for pair in pairs):
        seconds = offset_s(value, least=-LONGEST_OFFSET_S if name == "transcript" else 0)
        if name == "transcript":
            if not any(party.transcript for party in file.parties):
                raise InputError(f"--offset {name}={value}: the session has no transcript")
            file = file.model_copy(update={"transcript_offset_s": seconds})
            continue
        if (party := party_named(name)) not in parties:
            raise InputError(f"--offset {name}={value}: the session has no party {name}")
        parties[party] = parties[party].model_copy(update={"offset_s": seconds})
    return file.model_copy(update={"parties": tuple(parties[party.party] for party in file.parties)})


def _from_arguments(first: Path, arguments: SessionArguments) -> SessionFile:
    transcript = arguments.transcript.absolute() if arguments.transcript else None
    if arguments.speakers and not transcript:
        raise InputError("--speaker says whose name in a transcript is whose; give the transcript with -t")
    files = list(_first_files(first.absolute(), arguments.channels))
    for pair in arguments.parties:
        name, path = split(pair, "--party agent=agent.flac")
        files.append(PartyFile(party=party_named(name), media=Path(path).absolute()))
    return SessionFile(
        session=session_name(first),
        parties=tuple(file.model_copy(update={"transcript": transcript}) for file in files),
        speakers=speakers_named(arguments.speakers),
    )


def _first_files(path: Path, channels: str | None) -> Iterator[PartyFile]:
    """Yield whose sound the channels, or the tracks, of the first file are; by default the customer's."""
    if channels is None or channels.strip() == MIX:
        yield PartyFile(party="customer", media=path, mixed=channels is not None)
        return
    if channels.strip() == BOTH:
        yield PartyFile(party="other", media=path, mixed=True)
        return
    names = [name.strip() for name in channels.split(",")]
    if set(names) <= {NOBODY}:
        raise InputError(f"--channels {channels}: names nobody; for instance --channels customer,-")
    for number, name in enumerate(names):
        if name != NOBODY:
            yield PartyFile(party=party_named(name), media=path, channel=number)
