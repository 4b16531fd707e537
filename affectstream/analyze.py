"""A recorded session through models and join in one process, with no broker; wires workers and producers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from typing import Any

from affectstream.producers.session import SessionMessage
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import MODALITIES, FusedEmotion, Modality, Observation
from affectstream.workers.device import limit_threads
from affectstream.workers.fusion.engines import engines
from affectstream.workers.observe import Analyst, observe

READ_AHEAD = 64  # messages: enough to fill the batches of all modalities, little enough to hold


def finals(
    stream: Iterable[SessionMessage], settings: Settings, progress: Callable[[int], None] | None = None
) -> Iterator[FusedEmotion]:
    """Yield the final windows of a session in the order in which they close.

    The same messages, models and join as in the stream, so the same bytes. ``progress`` is told the event
    time that has been read. The caller's plan has been checked against the policy.
    """
    join = engines(settings.fusion)()
    for item in observed(stream, settings, progress):
        for window in join.push(item):
            if isinstance(window, FusedEmotion) and window.pane == "final":
                yield window


def observed(
    stream: Iterable[SessionMessage], settings: Settings, progress: Callable[[int], None] | None = None
) -> Iterator[Observation]:
    """Yield what the models say about a session, as the workers would publish it."""
    limit_threads(max(settings.video.threads, settings.audio.threads, settings.text.threads))
    analysts: dict[Modality, Analyst[Any]] = {}
    waiting = iter(stream)
    while batch := list(islice(waiting, READ_AHEAD)):
        for modality in MODALITIES:
            mine = [message for message in batch if message.modality == modality]
            if mine and modality not in analysts:
                analysts[modality] = import_module(f"affectstream.workers.{modality}").analyst(settings)
            yield from _outcomes(mine, analysts.get(modality), settings.policy.agent_purpose)
        if progress:
            progress(batch[-1].end_ms)


def _outcomes(
    mine: Sequence[SessionMessage], analyst: Analyst[Any] | None, purpose: str | None
) -> Iterator[Observation]:
    if analyst:
        for outcome in observe(analyst, mine, purpose):
            yield outcome.observation
