"""The turns of a conversation on the command line: as JSON Lines, and in the summary."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from affectstream.analytics.turns import Conversation, Talk, Words
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import Transcript

if TYPE_CHECKING:
    from affectstream.producers.session import SessionMessage


def tapped(stream: "Iterable[SessionMessage]", words: list[Words]) -> "Iterator[SessionMessage]":
    """Yield a session's messages, and keep the words of its transcripts beside them."""
    for message in stream:
        if isinstance(message, Transcript) and message.text:
            words.append(Words(message.party, message.start_ms, message.end_ms, message.text))
        yield message


def lines(found: Conversation) -> Iterator[str]:
    """Yield the turns as lines of JSON, by start."""
    for turn in found.turns:
        yield turn.model_dump_json() + "\n"


def write(found: Conversation, path: Path, with_words: bool) -> None:
    """Write the turns as JSON Lines, ``with_words`` where policy permits; raises InputError."""
    if not with_words:
        bare = tuple(turn.model_copy(update={"text": None}) for turn in found.turns)
        found = found.model_copy(update={"turns": bare})
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(lines(found))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def talk_line(talk: Talk) -> str:
    """Return "43 % of the talk in 12 turns, longest 21 s, 2 interruptions; valence -0.10 > +0.20"."""
    parts = [
        f"{talk.talk_share:.0%} of the talk in {talk.turns} turn{'' if talk.turns == 1 else 's'}",
        f"longest {talk.longest_ms / 1000:.0f} s",
        f"{talk.interruptions} interruption{'' if talk.interruptions == 1 else 's'}",
    ]
    if talk.words_per_minute is not None:
        parts.append(f"{talk.words_per_minute:.0f} words a minute")
    line = ", ".join(parts)
    if talk.valence_start is not None and talk.valence_end is not None:
        line += f"; valence {talk.valence_start:+.2f} > {talk.valence_end:+.2f}"
    return line
