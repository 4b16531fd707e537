"""The plan of a call that is streamed in: its session, whose media it brings, and how its sound is cut."""

from dataclasses import dataclass
from typing import Any

from affectstream.schemas import policy
from affectstream.schemas.messages import MODALITIES, Modality, Party


@dataclass(frozen=True)
class CallPlan:
    """A call: its session, the epoch time of its stream's zero, and how its sound is cut."""

    session_id: str
    zero_ms: int
    parties: tuple[Party, ...]
    video: tuple[Party, ...] = ()
    agent_purpose: str | None = None
    chunk_ms: int = 2000
    hop_ms: int = 1000
    run: str = ""
    words: tuple[Party, ...] = ()  # those whose words come along
    transcribe: bool = False  # the sound of the others is for the recogniser
    redact: bool = True  # words, before anything is published

    @property
    def permitted(self) -> tuple[Party, ...]:
        """Return the parties whose sound or picture may be processed."""
        named = dict.fromkeys((*self.parties, *self.video, *self.words))
        return tuple(party for party in named if policy.permits(party, self.agent_purpose))

    def expects(self, party: Party) -> tuple[Modality, ...]:
        """Return the modalities of a party, its words by the recogniser among them."""
        given = self.sends(party)
        return tuple(m for m in MODALITIES if m in given or (m == "text" and self.recognises(party)))

    def sends(self, party: Party) -> tuple[Modality, ...]:
        """Return the modalities of a party that the stream itself brings."""
        given = {"video": self.video, "audio": self.parties, "text": self.words}
        return tuple(modality for modality in MODALITIES if party in given[modality])

    def recognises(self, party: Party) -> bool:
        """Say whether the words of a party are the recogniser's to find."""
        return self.transcribe and party in self.parties and party not in self.words

    def fields(
        self, party: Party, modality: Modality, seq: int, start_ms: int, end_ms: int, watermark_ms: int
    ) -> dict[str, Any]:
        """Return a message's fields but its content, from times of the stream."""
        times = {"start_ms": self.zero_ms + start_ms, "end_ms": self.zero_ms + end_ms}
        numbered = {"modality": modality, "seq": seq, "watermark_ms": self.zero_ms + watermark_ms}
        return {**self.base(party), **numbered, **times}

    def base(self, party: Party) -> dict[str, Any]:
        """Return the fields that all messages of a party share."""
        whose = {"session_id": self.session_id, "run": self.run, "party": party}
        return {**whose, "expects": self.expects(party)}
