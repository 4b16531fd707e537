"""A recorded session through models and join in one process, with no broker; wires workers and producers."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from producers.plan import SessionPlan
from producers.session import SessionMessage, messages
from runtime.settings import Settings
from schemas.messages import MODALITIES, FusedEmotion, Modality
from workers.analysts import analyst
from workers.fusion.engine import Engine
from workers.fusion.setup import engine as build_engine
from workers.observe import Analyst, observe

READ_AHEAD = 64  # messages: enough to fill the batches of all modalities, little enough to hold


def finals(
    plan: SessionPlan, settings: Settings, progress: Callable[[int], None] | None = None
) -> Iterator[FusedEmotion]:
    """Yield the final windows of a session in the order in which they close.

    The same messages, models and join as in the stream, so the same bytes. ``progress`` is told the event
    time that has been read.
    """
    analysts: dict[Modality, Analyst[Any]] = {}
    join = build_engine(settings.fusion)
    stream = messages(plan)
    while batch := list(islice(stream, READ_AHEAD)):
        for modality in MODALITIES:
            mine = [message for message in batch if message.modality == modality]
            if mine and modality not in analysts:
                analysts[modality] = analyst(modality, settings)
            yield from _joined(join, mine, analysts, plan.agent_purpose)
        if progress:
            progress(batch[-1].end_ms)


def _joined(
    join: Engine, mine: Iterable[SessionMessage], analysts: dict[Modality, Analyst[Any]], purpose: str | None
) -> Iterator[FusedEmotion]:
    batch = list(mine)
    if not batch:
        return
    for outcome in observe(analysts[batch[0].modality], batch, purpose):
        for window in join.push(outcome.observation):
            if isinstance(window, FusedEmotion) and window.pane == "final":
                yield window
