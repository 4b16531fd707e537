"""Whose sound a channel carries that names no party: it may mix both parties of a call."""

from dataclasses import dataclass

from affectstream.producers.gateway.events import Refused
from affectstream.schemas import policy
from affectstream.schemas.messages import PARTIES, Party

PARTY_UNKNOWN = "party_unknown"

Whose = Party | Refused


@dataclass(frozen=True)
class OneChannel:
    """What the configuration says of such channels."""

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
