"""Fused windows for the tests of Redis."""

from support.observations import final

from affectstream.schemas.messages import FusedEmotion, Party


def fused(end_ms: int, pane: str = "final", sid: str = "s1", party: Party = "customer") -> FusedEmotion:
    """One window of a second."""
    return final(end_ms, session_id=sid, party=party, pane=pane)


def finals(*ends: int, sid: str = "s1", party: Party = "customer") -> list[FusedEmotion]:
    """Finals by the ends of their windows."""
    return [fused(end, sid=sid, party=party) for end in ends]
