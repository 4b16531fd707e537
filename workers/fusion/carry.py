"""What a window takes over from the final before it.

A party's newest final is all that is kept of its past. What stands in it is rounded, and the arithmetic
starts from what stands there, so that a process that reads it from Redis goes on with the same bits.
"""

from collections.abc import Sequence

from affectstream.models.fusion import trust
from affectstream.models.fusion.evidence import Array
from affectstream.schemas.messages import MODALITIES, FusedEmotion, ModalityState, Reason
from affectstream.workers.fusion.reduce import Summary


def held(summary: Summary, last: ModalityState | None, elapsed_ms: int, hold_ms: int) -> Summary:
    """Return what the modality said last, where it says nothing now and that is at most ``hold_ms`` old.

    ``elapsed_ms`` lies between the ends of the windows of ``last`` and of ``summary``. What may not be
    inferred any more is not held.
    """
    if summary.p is not None or last is None or last.p is None or summary.reason is Reason.NOT_PERMITTED:
        return summary
    age_ms = last.age_ms + elapsed_ms
    if age_ms > hold_ms:
        return summary
    return Summary(
        state="held",
        p=last.p,
        quality=last.quality,
        model_id=last.model_id,
        reason=summary.reason,
        age_ms=age_ms,
    )


def agreements_before(before: FusedEmotion | None, start_ms: int) -> list[float]:
    """Return each modality's running agreement at the start of the window; neutral where there is none."""
    if before is None:
        return [trust.NEUTRAL] * len(MODALITIES)
    known = {state.modality: state.agreement for state in before.modalities}
    gap_ms = start_ms - before.end_ms
    agreements = [known.get(m) for m in MODALITIES]
    return [trust.NEUTRAL if a is None else trust.remembered(a, gap_ms) for a in agreements]


def agreements_after(
    begun: Sequence[float] | None, summaries: Sequence[Summary], p: Array, length_ms: int
) -> list[float | None]:
    """Return the running agreements at the end of the window; only what was said in it tells anything."""
    if begun is None:
        return [None] * len(summaries)
    seen = trust.agreements(p, [summary.state == "present" for summary in summaries])
    return [trust.remembered(a, length_ms, now) for a, now in zip(begun, seen, strict=True)]
