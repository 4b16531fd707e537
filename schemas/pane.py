"""A fused message in its bytes: the same on Kafka and in Redis."""

from typing import Literal, NamedTuple

from affectstream.schemas.messages import Party

Pane = Literal["early", "final"]


class EncodedPane(NamedTuple):
    """A fused message as it travels, and what readers find it by."""

    session_id: str
    party: Party
    start_ms: int
    end_ms: int
    pane: Pane
    packed: bytes  # the MessagePack of its FusedEmotion
    run: str = ""  # no part of the message: the same call gives the same bytes in every run
