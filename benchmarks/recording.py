"""The demo call as the benchmarks play it."""

from collections.abc import Iterator
from pathlib import Path

import affectstream
from affectstream.producers.plan import SessionPlan
from affectstream.producers.session import SessionMessage, messages
from affectstream.runtime.settings import ProducerSettings
from affectstream.session_file import SessionArguments, plan

FILE = Path(affectstream.__file__).parent / "demo_call" / "session.json"


def demo(session_id: str, start_ms: int = 0, fps: float = 5.0) -> SessionPlan:
    """Return the plan of the demo call under another name, time and rate of frames."""
    return plan(SessionArguments([FILE], session=session_id), ProducerSettings(fps=fps), start_ms, None)


def customer(session_id: str, start_ms: int, fps: float, seconds: int) -> Iterator[SessionMessage]:
    """Yield the first seconds of the customer's picture, as a live camera would send it."""
    for message in messages(demo(session_id, start_ms, fps)):
        if message.party == "customer" and message.modality == "video" and message.type == "frame":
            if message.end_ms >= start_ms + seconds * 1000:
                return
            yield message.model_copy(update={"expects": ("video",)})
