"""Fused windows for the tests of Redis."""

from affectstream.schemas.messages import FusedEmotion, Party


def fused(end_ms: int, pane: str = "final", sid: str = "s1", party: Party = "customer") -> FusedEmotion:
    """One window of a second."""
    return FusedEmotion(
        session_id=sid,
        party=party,
        start_ms=end_ms - 1000,
        end_ms=end_ms,
        pane=pane,
        p=(0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1),
        label="sad",
        confidence=0.3,
        uncertainty=0.9,
        disagreement=0.0,
        modalities=(),
        rule="entropy_trust",
    )


def finals(*ends: int, sid: str = "s1", party: Party = "customer") -> list[FusedEmotion]:
    """Finals by the ends of their windows."""
    return [fused(end, sid=sid, party=party) for end in ends]
