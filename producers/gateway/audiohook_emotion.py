"""The fused emotion of a window as an entity of an AudioHook `event`: documented in docs/call-centre.md."""

from collections.abc import Sequence

from affectstream.producers.gateway.audiohook_messages import duration
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion, Party


def emotion(
    final: FusedEmotion, channels: Sequence[tuple[str, Party]], zero_ns: int
) -> dict[str, object] | None:
    """Return the entity of a window, None where no channel carries its party.

    ``zero_ns`` is the epoch time of the client's position 0.
    """
    own = [at for at, (_, party) in enumerate(channels) if party == final.party]
    if not own:
        return None
    start_ns, end_ns = (max(0, ms * 1_000_000 - zero_ns) for ms in (final.start_ms, final.end_ms))
    shares = zip(EMOTIONS, final.p, strict=True) if final.p is not None else None
    data = {
        "channel": channels[own[0]][0],
        "channelId": own[0],
        "party": final.party,
        "position": duration(start_ns),
        "duration": duration(end_ns - start_ns),
        "emotion": final.label,
        "confidence": round(final.confidence, 4),
        "probabilities": {name: round(p, 4) for name, p in shares} if shares else None,
    }
    return {"type": "emotion", "data": data}
