"""Turns of a conversation: speakers mapped to parties, context and the silence between utterances.

A speaker is mapped to a party by the plan's own table, else by a role in the name (`Agent 2`, `the
customer`). Speakers of a party that is not in the plan give context only. A name without a role is the
party `other` if that is in the plan, the only party if the file has one speaker, and an error otherwise: a
guess by order could attribute one person's words to another.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from affectstream.producers.transcripts import Utterance
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import Party

CONTEXT_TURNS = 2
CONTEXT_CHARACTERS = 2_000  # of each turn, its end
PROGRESS_MS = 1_000
# A recorded utterance is sent at most this long after its start, or its modality would look stalled.
WAIT_MS = 8_000

ROLES: dict[str, Party] = {
    **dict.fromkeys(("customer", "caller", "client", "external", "guest", "patient", "user"), "customer"),
    **dict.fromkeys(("agent", "adviser", "advisor", "assistant", "clerk", "employee", "internal"), "agent"),
    **dict.fromkeys(("operator", "rep", "representative", "support"), "agent"),
    **dict.fromkeys(("other", "supervisor"), "other"),
}


@dataclass(frozen=True)
class Turn:
    """An utterance in ms since the epoch; its party is None where it is context only."""

    start_ms: int
    end_ms: int
    party: Party | None
    text: str


@dataclass(frozen=True)
class TextInterval:
    """An utterance with its context, or an interval in which the party was silent (no text)."""

    start_ms: int
    end_ms: int
    watermark_ms: int
    text: str = ""
    context: tuple[str, ...] = ()


def turns(
    path: Path,
    utterances: Sequence[Utterance],
    parties: Collection[Party],
    speakers: Mapping[str, Party],
    start_ms: int,
) -> list[Turn]:
    """Return the turns of one file that ``parties`` share; raises InputError for unknown speakers."""
    of = _parties(path, {u.speaker for u in utterances}, parties, speakers)
    return [Turn(start_ms + u.start_ms, start_ms + u.end_ms, of[u.speaker], u.text) for u in utterances]


def role(speaker: str | None, speakers: Mapping[str, Party]) -> Party | None:
    """Return the party of a speaker by the table, else by the first role in the name, else None."""
    if speaker is None:
        return None
    for name, party in speakers.items():
        if name.casefold() == speaker.casefold():
            return party
    words = re.findall(r"[a-z]+", speaker.casefold())
    return next((ROLES[word] for word in words if word in ROLES), None)


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
        yield TextInterval(turn.start_ms, turn.end_ms, settled, turn.text, context)


def silence(from_ms: int, to_ms: int | None) -> Iterator[TextInterval]:
    """Yield the interval, endless with None, cut at whole seconds of the epoch so that windows can close."""
    while to_ms is None or from_ms < to_ms:
        end_ms = (from_ms // PROGRESS_MS + 1) * PROGRESS_MS
        end_ms = end_ms if to_ms is None else min(end_ms, to_ms)
        yield TextInterval(from_ms, end_ms, end_ms)
        from_ms = end_ms


def _parties(
    path: Path, found: Collection[str | None], parties: Collection[Party], speakers: Mapping[str, Party]
) -> dict[str | None, Party | None]:
    of = {speaker: role(speaker, speakers) for speaker in found}
    unknown = [speaker for speaker, party in of.items() if party is None]
    if not unknown:
        return of
    if "other" in parties:
        return of | dict.fromkeys(unknown, "other")
    if len(found) == 1 and len(parties) == 1:
        return of | dict.fromkeys(unknown, next(iter(parties)))
    if unknown == [None]:
        raise InputError(
            f"{path}: names no speakers, and {' and '.join(sorted(parties))} share it; mark them as "
            "`<v Customer>` or `CUSTOMER:`, or give each party a file of its own"
        )
    names = ", ".join(sorted("(none)" if speaker is None else speaker for speaker in found))
    raise InputError(
        f"{path}: which party is who? Speakers found: {names}. Map each to customer, agent or other, "
        "for instance SPEAKER_00=customer"
    )
