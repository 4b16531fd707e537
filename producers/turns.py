"""Turns of a conversation: speakers mapped to parties, context and the silence between utterances.

A speaker is mapped to a party by the plan's own table, else by a role in the name (`Agent 2`, `the
customer`). Speakers of a party that is not in the plan give context only, and so do words without a speaker
where others have one. A name without a role is the only party if the file has one speaker, and an error
otherwise: a guess could attribute one person's words to another.
"""

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from affectstream.producers.bounds import Utterance
from affectstream.runtime.log import notice
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import PARTIES, Party

CONTEXT_TURNS = 2
CONTEXT_CHARACTERS = 2_000  # of each turn, its end
PROGRESS_MS = 1_000

ROLES: dict[str, Party] = {
    **dict.fromkeys(("customer", "caller", "client", "external", "guest", "patient", "user"), "customer"),
    **dict.fromkeys(("agent", "adviser", "advisor", "assistant", "clerk", "employee", "internal"), "agent"),
    **dict.fromkeys(("operator", "rep", "representative", "support"), "agent"),
    **dict.fromkeys(("other", "supervisor"), "other"),
}
SERVICE = {"service", "services", "care", "success", "relations", "desk", "manager", "team"}
SURNAMES = {"guest", "clerk", "rep"}  # of people, too: `Anna Guest`
NO_NAME = "(none)"  # names the words without a speaker, in the table of speakers


@dataclass(frozen=True)
class Turn:
    """An utterance in ms since the epoch; its party is None where it is context only."""

    start_ms: int
    end_ms: int
    party: Party | None
    text: str
    language: str | None = None  # as the transcript states it


@dataclass(frozen=True)
class TextInterval:
    """An utterance with its context, or an interval in which the party was silent (no text)."""

    start_ms: int
    end_ms: int
    watermark_ms: int
    text: str = ""
    context: tuple[str, ...] = ()
    language: str | None = None


def turns(
    path: Path,
    utterances: Sequence[Utterance],
    parties: Collection[Party],
    speakers: Mapping[str, Party],
    start_ms: int,
) -> list[Turn]:
    """Return the turns of one file that ``parties`` share; raises InputError for unknown speakers."""
    spelled: dict[str, str] = {}  # one person may be spelled `Mara Lind` and `MARA LIND`
    called = [u.speaker and spelled.setdefault(u.speaker.casefold(), u.speaker) for u in utterances]
    utterances = [replace(u, speaker=name) for u, name in zip(utterances, called, strict=True)]
    of = _parties(path, utterances, parties, speakers)
    _tell_of_many(path, of, speakers)
    return [
        Turn(start_ms + u.start_ms, start_ms + u.end_ms, of[u.speaker], u.text, u.language)
        for u in utterances
    ]


def _tell_of_many(path: Path, of: Mapping[str | None, Party | None], speakers: Mapping[str, Party]) -> None:
    """Say where several people are one party by the roles in their names alone."""
    table = {name.casefold() for name in speakers}
    for party in PARTIES:
        count = sum(
            name is not None and its == party and name.casefold() not in table for name, its in of.items()
        )
        if count > 1:
            notice(
                path,
                f"{count} speakers are the {party} by the roles in their names; --speaker tells them apart",
            )


def role(speaker: str | None, speakers: Mapping[str, Party]) -> Party | None:
    """Return the party of a speaker by the table, else by the roles in the name, else None.

    Whoever serves customers is an agent: `Customer Service`, `Client advisor`.
    """
    name = (speaker or NO_NAME).casefold()
    for known, party in speakers.items():
        if known.casefold() == name:
            return party
    if speaker is None:
        return None
    words = re.findall(r"[a-z]+", name)
    if len(words) == 2 and words[1] in SURNAMES and words[0] not in ROLES:
        return None
    found = [ROLES[word] for word in words if word in ROLES]
    if "agent" in found or (found and SERVICE & set(words)):
        return "agent"
    return found[0] if found else None


def text_intervals(conversation: Sequence[Turn], party: Party, start_ms: int) -> Iterator[TextInterval]:
    """Yield the party's utterances by their starts, and the silence before each, from ``start_ms`` on.

    An utterance settles its own end, or the start of the party's next one where the two overlap.
    """
    ordered = sorted(conversation, key=lambda turn: (turn.start_ms, turn.end_ms))
    own = [i for i, turn in enumerate(ordered) if turn.party == party]
    reached = start_ms
    for i, following in pairwise([*own, None]):
        assert i is not None
        turn = ordered[i]
        yield from silence(reached, turn.start_ms)
        reached = max(reached, turn.end_ms)
        settled = reached if following is None else min(reached, ordered[following].start_ms)
        context = tuple(t.text[-CONTEXT_CHARACTERS:] for t in ordered[max(0, i - CONTEXT_TURNS) : i])
        yield TextInterval(turn.start_ms, turn.end_ms, settled, turn.text, context, turn.language)


def silence(from_ms: int, to_ms: int | None) -> Iterator[TextInterval]:
    """Yield the interval, endless with None, cut at whole seconds of the epoch so that windows can close."""
    while to_ms is None or from_ms < to_ms:
        end_ms = (from_ms // PROGRESS_MS + 1) * PROGRESS_MS
        end_ms = end_ms if to_ms is None else min(end_ms, to_ms)
        yield TextInterval(from_ms, end_ms, end_ms)
        from_ms = end_ms


def _parties(
    path: Path, utterances: Sequence[Utterance], parties: Collection[Party], speakers: Mapping[str, Party]
) -> dict[str | None, Party | None]:
    found = {u.speaker for u in utterances}
    of = {speaker: role(speaker, speakers) for speaker in found}
    unknown = sorted(speaker for speaker, party in of.items() if party is None and speaker is not None)
    if not found or all(of.values()):
        return of
    if unknown and (len(found) > 1 or len(parties) > 1):
        raise InputError(_who_is_who(path, found, unknown[0]))
    if unknown:
        return {unknown[0]: next(iter(parties))}
    if len(found) > 1:  # words without a speaker, among others that have one
        count = sum(u.speaker is None for u in utterances)
        notice(path, f"{count} of {len(utterances)} utterances name no speaker; they are given to nobody")
        return of
    if len(parties) > 1:
        raise InputError(
            f"{path}: names no speakers, and {' and '.join(sorted(parties))} share it; mark them as "
            "`<v Customer>` or `CUSTOMER:`, or give each party a file of its own"
        )
    if sum(u.changed for u in utterances) > 1:
        raise InputError(
            f"{path}: marks changes of speaker (>> or -) without naming them; write `CUSTOMER:` or `AGENT:` "
            "before what each says"
        )
    return {None: next(iter(parties))}


def _who_is_who(path: Path, found: Collection[str | None], example: str) -> str:
    names = sorted(speaker or NO_NAME for speaker in found)
    listed = ("; " if any("," in name for name in names) else ", ").join(names)
    pair = f"customer={example}"
    return (
        f"{path}: which party is who? Speakers found: {listed}. Map each to customer, agent or other, for "
        f"instance with --speaker {shlex.quote(pair)}, or as `speakers` in a session.json"
    )
