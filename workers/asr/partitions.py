"""The parties whose sound one process hears, by partition, and from which offset a restart must read on.

An utterance is made of many chunks and comes with the words before it, so an offset is committed only when
nothing before it is needed: of a party that speaks, or has spoken in this half minute since the epoch or the
one before, the chunks from the beginning of the one before on; of any other party whose sound goes on its
newest chunk, which tells the next process that the party is one of those whose words are wanted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from affectstream.models.asr.segments import cell_of
from affectstream.schemas.messages import AudioChunk, EndOfStream, Party, Transcript
from affectstream.workers.asr.listener import Listener

IDLE_S = 60.0  # without a chunk: nothing more is waited for, and no offset kept
FORGET_S = 6 * 3600.0

Key = tuple[str, str, Party]  # session, run, party
Answer = Transcript | EndOfStream


@dataclass
class Heard:
    """A party, and the offsets that it needs: the first of each half minute."""

    listener: Listener
    at_s: float
    last: AudioChunk
    firsts: dict[int, int] = field(default_factory=dict)  # by half minute, in their order

    @property
    def offset(self) -> int | None:
        """Return the first offset that it needs; None: none."""
        return next(iter(self.firsts.values()), None)

    def hear(self, message: AudioChunk, offset: int, listens: bool, now_s: float) -> list[Transcript]:
        """Return the transcripts of the chunk at ``offset``.

        The chunk in which something ends is no beginning: read alone, its silence would begin elsewhere.
        """
        needed = self.listener.needs_the_past
        found = self.listener.hear(message, listens)
        cell = cell_of(message.end_ms)
        if needed or self.listener.needs_the_past:
            self.firsts = {each: first for each, first in self.firsts.items() if each >= cell - 1}
            self.firsts.setdefault(cell, offset)
        else:
            self.firsts = {cell: offset}
        self.at_s, self.last = now_s, message
        return found


@dataclass
class Partition:
    """One partition of the audio topic, from its assignment until it is revoked."""

    parties: dict[Key, Heard] = field(default_factory=dict)
    reached: int = 0  # the next offset to read

    @property
    def commit(self) -> int:
        """Return the offset that a restart has to read on from."""
        needed = (heard.offset for heard in self.parties.values() if heard.offset is not None)
        return min(needed, default=self.reached)

    def answers(
        self,
        message: AudioChunk | EndOfStream,
        offset: int,
        new: Callable[[], Listener],
        listens: bool,
        now_s: float,
    ) -> list[Answer]:
        """Return what is published about a message: nothing where no words are wanted of the party."""
        key = message.session_id, message.run, message.party
        if isinstance(message, EndOfStream):
            heard = self.parties.pop(key, None)
            return list(heard.listener.end(message)) if heard else []
        if not message.transcribe:
            return []
        heard = self.parties.get(key)
        if heard is None:
            heard = self.parties[key] = Heard(new(), now_s, message)
        return list(heard.hear(message, offset, listens, now_s))

    def forget(self, session_id: str) -> None:
        """Drop what waits of a session that may not be processed any more."""
        for key in [key for key in self.parties if key[0] == session_id]:
            del self.parties[key]

    def waits_in_vain(self, now_s: float) -> bool:
        """Say whether a party has gone silent without an end."""
        return any(
            heard.offset is not None and now_s - heard.at_s >= IDLE_S for heard in self.parties.values()
        )

    def give_up(self, now_s: float) -> list[Answer]:
        """Return the words of parties that have gone silent without an end, and wait for them no more."""
        found: list[Answer] = []
        for key, heard in list(self.parties.items()):
            if now_s - heard.at_s < IDLE_S:
                continue
            if heard.offset is not None:
                found += heard.listener.give_up(heard.last)
                heard.firsts.clear()
            elif now_s - heard.at_s >= FORGET_S:
                del self.parties[key]
        return found
