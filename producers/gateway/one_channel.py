"""Whose sound a channel carries that names no party: it may mix both parties of a call."""

from dataclasses import dataclass

from affectstream.producers.gateway.events import Refused
from affectstream.schemas import policy
from affectstream.schemas.messages import PARTIES, UNATTRIBUTED, Party

PARTY_UNKNOWN = "party_unknown"

Whose = Party | Refused


@dataclass(frozen=True)
class OneChannel:
    """What the configuration says of such channels."""

    party: Party | None = None  # `other`: both parties mixed; None: refused, unless the connection says whose
    agent_purpose: str | None = None

    def whose(self, stated: object = None) -> Whose:
        """Return the party, by what the connection states or else by the configuration, or a refusal.

        A mixture holds the agent's voice: it is refused where the agent is.
        """
        party = stated or self.party
        if party is None:
            return Refused(PARTY_UNKNOWN)
        if party not in PARTIES:
            return Refused("bad_party")
        if party == UNATTRIBUTED and not policy.permits("agent", self.agent_purpose):
            return Refused("agent_not_permitted")
        return party


NOT_SAID = OneChannel()
