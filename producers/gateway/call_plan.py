"""The plan of a call that is streamed in: its session, whose media it brings, and how its sound is cut.

A channel that names no party may mix both parties of the call: the configuration says whose its sound is.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from affectstream.producers.gateway.events import Refused
from affectstream.schemas import policy
from affectstream.schemas.messages import MODALITIES, PARTIES, Modality, Party


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

    @cached_property
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
        if party not in self._shared:
            whose = {"session_id": self.session_id, "run": self.run, "party": party}
            self._shared[party] = {**whose, "expects": self.expects(party)}
        return self._shared[party]

    @cached_property
    def _shared(self) -> dict[Party, dict[str, Any]]:
        return {}


PARTY_UNKNOWN = "party_unknown"

Whose = Party | Refused


@dataclass(frozen=True)
class OneChannel:
    """What the configuration says of channels that name no party."""

    party: Party | None = None  # `other`: both parties mixed; None: refused, unless the connection says whose
    agent_purpose: str | None = None

    def whose(self, stated: object = None) -> Whose:
        """Return the party, by what the connection states or else by the configuration, or a refusal.

        Who needs a purpose is refused without one, and so is a mixture, which holds the agent's voice.
        """
        party = stated or self.party
        if party is None:
            return Refused(PARTY_UNKNOWN)
        if party not in PARTIES:
            return Refused("bad_party")
        if not policy.permits(party, self.agent_purpose):
            return Refused("agent_not_permitted")
        return party


NOT_SAID = OneChannel()
