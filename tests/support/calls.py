"""A call that is streamed in: its plan, its sound in frames, and what is sent of it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from support.recordings import voice

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.call_plan import CallPlan
from affectstream.producers.gateway.events import Audio, OfCall, StreamMessage
from affectstream.schemas.messages import Party

ZERO_MS = 1_700_000_000_123
STEP_MS = 20
SOUND = np.clip(np.rint(voice(3.3) * 32768), -32768, 32767).astype("<i2")


def plan(**other: Any) -> CallPlan:
    """Return the plan of a call of one customer, whose sound comes."""
    return CallPlan("call-1", ZERO_MS, **{"parties": ("customer",), **other})


def frames(
    sound: Any = SOUND,
    party: Party = "customer",
    rate_hz: int = 8000,
    ms: int = STEP_MS,
    numbered: bool = True,
) -> list[Audio]:
    """Return sound in frames of ``ms``, stamped from 0."""
    step = rate_hz * ms // 1000
    parts = [sound[at : at + step] for at in range(0, len(sound), step)]
    return [Audio(party, rate_hz, p.tobytes(), n * ms, n if numbered else None) for n, p in enumerate(parts)]


def messages(events: Iterable[OfCall], call: Call | None = None) -> list[StreamMessage]:
    """Return what a call sends of its events and at its end."""
    call = call or Call(plan())
    return [message for event in events for message in call.messages(event)] + list(call.finish())
