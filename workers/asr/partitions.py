"""The parties whose sound one process hears, by partition, and from which offset a restart must read on.

An utterance is made of many chunks, so an offset is committed only when nothing before it is needed: neither
the chunks since the last pause of a party that speaks, nor the newest chunk of any party whose sound goes on,
which tells the next process that the party is one of those whose words are wanted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from affectstream.schemas.messages import AudioChunk, EndOfStream, Party, Transcript
from affectstream.workers.asr.listener import Listener

IDLE_S = 60.0  # without a chunk: nothing more is waited for, and no offset kept
FORGET_S = 6 * 3600.0

Key = tuple[str, str, Party]  # session, run, party
Answer = Transcript | EndOfStream


@dataclass
class Heard:
    """A party, and the first offset that it needs; None: none."""

    listener: Listener
    offset: int | None
    at_s: float
    last: AudioChunk
    chain: int = 0  # that the offset is of


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
            heard = self.parties[key] = Heard(new(), offset, now_s, message)
        listener = heard.listener
        found = listener.hear(message, listens)
        if heard.offset is None or not listener.in_utterance or listener.chain != heard.chain:
            heard.offset, heard.chain = offset, listener.chain
        heard.at_s, heard.last = now_s, message
        return list(found)

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
                heard.offset = None
            elif now_s - heard.at_s >= FORGET_S:
                del self.parties[key]
        return found
