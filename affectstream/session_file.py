"""The plan of a recorded session, from the arguments of a command or from a session.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.runtime.settings import ProducerSettings, Settings
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import PARTIES, Party


class PartyFile(BaseModel):
    """One party of a session.json; paths are relative to that file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    party: Party
    media: Path | None = None
    transcript: Path | None = None
    channel: int | None = Field(None, ge=0)


class SessionFile(BaseModel):
    """A session.json: several parties with their files, and under which purpose the agent is analysed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session: str
    parties: tuple[PartyFile, ...] = Field(min_length=1)
    speakers: dict[str, Party] = {}  # names in the transcript
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


def plan(
    arguments: SessionArguments, producer: ProducerSettings, start_ms: int, purpose: str | None
) -> SessionPlan:
    """Return the plan; ``purpose`` is the setting, which the options or a file may name instead."""
    if len(arguments.inputs) != 1:
        raise InputError(
            "name one media file or one session.json; further parties come with --party NAME=FILE"
        )
    first = arguments.inputs[0]
    if not first.exists():
        raise InputError(f"{first}: no such file")
    file = _read(first) if first.suffix.lower() == ".json" else _from_arguments(first, arguments)
    return SessionPlan(
        session_id=arguments.session or file.session,
        start_ms=start_ms,
        parties=tuple(_source(party, first.parent) for party in file.parties),
        fps=producer.fps,
        max_side=producer.max_side,
        jpeg_quality=producer.jpeg_quality,
        chunk_ms=producer.chunk_ms,
        hop_ms=producer.hop_ms,
        agent_purpose=arguments.purpose or file.agent_purpose or purpose,
        speakers=file.speakers,
    )


def events(first: Path) -> tuple[Event, ...]:
    """Return what a session.json says to have happened, nothing for other files; for those who look at it."""
    found = _read(first).events if first.suffix.lower() == ".json" else ()
    named = [(each.get("start_s"), each.get("end_s"), each.get("event")) for each in found]
    return tuple(
        Event(start_s, end_s, text)
        for start_s, end_s, text in named
        if isinstance(start_s, int | float) and isinstance(end_s, int | float) and isinstance(text, str)
    )


def permitting(settings: Settings, purpose: str | None) -> Settings:
    """Return the settings under the purpose of a plan, which has been checked."""
    policy = settings.policy.model_copy(update={"agent_purpose": purpose})
    return settings.model_copy(update={"policy": policy})


def _source(party: PartyFile, folder: Path) -> PartySource:
    return PartySource(
        party=party.party,
        media=folder / party.media if party.media else None,
        transcript=folder / party.transcript if party.transcript else None,
        channel=party.channel,
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


def _from_arguments(first: Path, arguments: SessionArguments) -> SessionFile:
    transcript = arguments.transcript.absolute() if arguments.transcript else None
    files: list[tuple[Party, Path, int | None]] = []
    if arguments.channels:
        names = [party_named(name) for name in arguments.channels.split(",")]
        files += [(name, first.absolute(), i) for i, name in enumerate(names)]
    else:
        files.append(("customer", first.absolute(), None))
    for pair in arguments.parties:
        name, path = split(pair, "--party agent=agent.flac")
        files.append((party_named(name), Path(path).absolute(), None))
    return SessionFile(
        session=session_name(first),
        parties=tuple(
            PartyFile(party=party, media=path, channel=channel, transcript=transcript)
            for party, path, channel in files
        ),
        speakers={
            name: party_named(party)
            for party, name in (split(s, "--speaker customer=Ana") for s in arguments.speakers)
        },
    )


def split(pair: str, example: str) -> tuple[str, str]:
    """Return both sides of ``name=value``."""
    name, equals, value = pair.partition("=")
    if not (name and equals and value):
        raise InputError(f"{pair!r} is not of the form of {example}")
    return name, value


def party_named(name: str) -> Party:
    """Return the party of that name; raises InputError."""
    for party in PARTIES:
        if name.strip() == party:
            return party
    raise InputError(f"{name!r} is not a party; the parties are {', '.join(PARTIES)}")


def session_name(path: Path) -> str:
    """Return a session id made from a file's name."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in path.stem)
    return kept.lstrip("._-")[:64] or "session"
