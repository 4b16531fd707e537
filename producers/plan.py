"""The plan of a recorded session: its parties and files, checked before it is played."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from affectstream.producers import media, mixtures
from affectstream.producers.lanes import Lane, named, only
from affectstream.producers.media import MediaFile
from affectstream.producers.transcripts import Utterance, load
from affectstream.producers.turns import NO_NAME, Turn, turns
from affectstream.runtime.log import notice
from affectstream.runtime.metrics import count_redacted
from affectstream.schemas import policy
from affectstream.schemas.errors import InputError
from affectstream.schemas.fields import SessionId
from affectstream.schemas.messages import MODALITIES, Modality, Party
from affectstream.schemas.redaction import redact


@dataclass(frozen=True)
class PartySource:
    """The recordings of one party.

    ``channel`` is the party's own lane, a channel or a track of sound, in a file of several; with ``mixed``
    all of them are the party's. The video of a file that several parties share belongs to no party, since it
    does not say whom it shows. ``offset_ms`` is when the recording begins, after the session's zero.
    """

    party: Party
    media: Path | None = None
    transcript: Path | None = None
    channel: int | None = None
    mixed: bool = False
    offset_ms: int = 0
    assumed: bool = False  # nobody has said whose the recording is, and no transcript does


@dataclass(frozen=True)
class SessionPlan:
    """A recorded session: its name, the epoch time of its zero, and its sources."""

    session_id: str
    start_ms: int
    parties: tuple[PartySource, ...]
    fps: float = 5
    max_side: int = 640
    jpeg_quality: int = 85
    chunk_ms: int = 2000
    hop_ms: int = 1000
    agent_purpose: str | None = None  # of affectstream.schemas.policy.PURPOSES, where the agent is a party
    speakers: Mapping[str, Party] = field(default_factory=dict)  # over the roles in the speakers' names
    transcript_offset_ms: int = 0  # of the zero of shared transcripts, after the session's
    run: str = ""  # of the session; empty: its current one
    transcribe: bool = False  # sound without a transcript is for the recogniser
    redact: bool = True  # transcripts, before anything is published


@dataclass(frozen=True)
class Source:
    """A party of the plan with its probed file and the modalities that it will send."""

    party: Party
    file: MediaFile | None
    lane: Lane
    expects: tuple[Modality, ...]
    offset_ms: int = 0
    transcribe: bool = False  # its words come from the recogniser


def sources(plan: SessionPlan) -> list[Source]:
    """Return the parties with their files probed, or raise PolicyError or InputError."""
    if not plan.parties:
        raise InputError("a session needs at least one party with a media file or a transcript")
    check_session_id(plan.session_id)
    names = [given.party for given in plan.parties]
    if len(set(names)) < len(names):
        raise InputError(f"every party may be named once; given: {', '.join(names)}")
    for name in names:
        policy.require(name, plan.agent_purpose)
    shared = Counter(given.media for given in plan.parties if given.media)
    files = {path: media.probe(path) for path in shared}
    return [
        _source(
            given,
            files[given.media] if given.media else None,
            shared[given.media] == 1 if given.media else False,
            plan.transcribe,
        )
        for given in plan.parties
    ]


def check_session_id(session_id: str) -> None:
    """Raise InputError where no message could carry the id."""
    try:
        TypeAdapter(SessionId).validate_python(session_id)
    except ValidationError:
        raise InputError(
            "a session id has 1 to 64 letters, digits, dots, dashes or underscores, a letter or digit first"
        ) from None


def conversation(plan: SessionPlan) -> list[Turn]:
    """Return the turns of all transcripts in epoch time, each file read once."""
    found: list[Turn] = []
    called: set[str] = set()
    length_ms = _length_ms(plan)
    for path in dict.fromkeys(given.transcript for given in plan.parties if given.transcript):
        owners = [given for given in plan.parties if given.transcript == path]
        offset_ms = plan.transcript_offset_ms + (owners[0].offset_ms if len(owners) == 1 else 0)
        bound_ms = None if length_ms is None else length_ms - offset_ms
        words = load(path, plan.speakers, bound_ms, offset_ms)
        words = _redacted(path, words) if plan.redact else words
        called |= {(u.speaker or NO_NAME).casefold() for u in words}
        parties = [given.party for given in owners]
        found += turns(path, words, parties, plan.speakers, plan.start_ms + offset_ms)
        _check_unmixed(plan, path, found)
        if absent := [name for name in plan.speakers if name.casefold() not in called]:
            notice(path, f"nobody in it is called {', '.join(absent)}")
    return found


def _check_unmixed(plan: SessionPlan, transcript: Path, found: Sequence[Turn]) -> None:
    """Refuse a recording of one party in which others of its transcript are as loud."""
    recorded = {given.party for given in plan.parties if given.media}
    for given in plan.parties:
        if given.transcript != transcript or given.media is None or given.channel is not None or given.mixed:
            continue
        file, zero_ms = media.probe(given.media), plan.start_ms + given.offset_ms
        if file.audio is None:
            continue
        spans = [(turn.party, (turn.start_ms - zero_ms, turn.end_ms - zero_ms)) for turn in found]
        own = [span for party, span in spans if party == given.party]
        mixtures.check(file, own, [span for party, span in spans if party and party not in recorded])


def _redacted(path: Path, words: tuple[Utterance, ...]) -> tuple[Utterance, ...]:
    """Return utterances without what identifies or pays, and report how much of it there was."""
    found = [count_redacted(redact(utterance.text)) for utterance in words]
    counts: Counter[str] = Counter()
    for each in found:
        counts.update(each.counts)
    if counts:
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
        notice(path, f"taken out of the words, by kind: {listed}; policy.redact decides")
    return tuple(replace(u, text=each.text) for u, each in zip(words, found, strict=True))


def _length_ms(plan: SessionPlan) -> int | None:
    """Return when the last recording of the session ends; None without one."""
    ends = [given.offset_ms + media.probe(given.media).duration_ms for given in plan.parties if given.media]
    return max(ends, default=None)


def estimated_ms(plan: SessionPlan) -> int:
    """Return the length of the session as its files declare it, for a progress bar; 0 where none does."""
    lengths = [source.offset_ms + source.file.duration_ms for source in sources(plan) if source.file]
    ends = [turn.end_ms - plan.start_ms for turn in conversation(plan)]
    return max([*lengths, *ends], default=0)


def _source(given: PartySource, file: MediaFile | None, alone: bool, transcribe: bool) -> Source:
    if file and not alone and given.channel is None:
        raise InputError(f"{file.path}: several parties share it; name the audio channel of each, from 0")
    if given.offset_ms < 0:
        raise InputError(
            f"the recording of {given.party} begins before the session; offset the others instead"
        )
    has = {
        "video": file is not None and file.video is not None and alone,
        "audio": file is not None and file.audio is not None,
        "text": given.transcript is not None,
    }
    transcribed = transcribe and has["audio"] and not has["text"]
    has["text"] = has["text"] or transcribed
    expects = tuple(modality for modality in MODALITIES if has[modality])
    if not expects:
        raise InputError(
            f"the party {given.party} has neither picture, sound nor transcript; give it a source"
        )
    if file and file.video is not None and not alone:
        notice(file.path, "its picture is not read: it does not say which of the parties it shows")
    if file and file.audio is not None and given.assumed:
        mixtures.check_voices(file)
    if file and given.mixed and given.party == "other":
        notice(file.path, "read whole, as one party `other`: its windows cannot be attributed to anybody")
    return Source(given.party, file, _lane(given, file), expects, given.offset_ms, transcribed)


def _lane(given: PartySource, file: MediaFile | None) -> Lane:
    if file is None or (file.audio is None and given.channel is None):
        return Lane()
    if given.channel is not None:
        return named(file, given.channel)
    return Lane() if given.mixed and len(file.sound) == 1 else only(file)
