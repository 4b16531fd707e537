"""What the fusion agent tells its operators: counters and log lines, never content."""

import time
from collections import Counter
from collections.abc import Iterable

import structlog

from affectstream.runtime import metrics
from affectstream.schemas.messages import FusedEmotion, Modality
from affectstream.workers.fusion.engine import Engine
from affectstream.workers.fusion.outlet import Work

log = structlog.get_logger(__name__)

LIVE_MS = 60_000  # a window that ended longer ago, or is still to come, is a replay's: it has no latency


def carried_out(work: Work) -> None:
    """Count what was written for one partition, and log its dead letters."""
    for pane in (*work.effects.finals, *work.effects.early.values()):
        _measure(pane)
    for _, refused in work.effects.refused:
        if refused.reason == "late":
            metrics.LATE.labels(refused.item.modality).inc()
    for letter in work.letters():
        metrics.DEAD_LETTERS.labels(letter.topic, letter.reason).inc()
        log.warning(
            "dead_letter",
            topic=letter.topic,
            partition=letter.partition,
            offset=letter.offset,
            reason=letter.reason,
            detail=letter.detail,
        )


def joined(engines: Iterable[Engine]) -> None:
    """Count duplicates since the last time, and the windows that are open."""
    open_windows, duplicates = 0, Counter[Modality]()
    for engine in engines:
        open_windows += engine.open_windows()
        duplicates += engine.duplicates
        engine.duplicates.clear()
    metrics.OPEN_WINDOWS.set(open_windows)
    for modality, count in duplicates.items():
        metrics.DUPLICATES.labels(modality).inc(count)


def _measure(pane: FusedEmotion) -> None:
    metrics.WINDOWS.labels(pane.pane).inc()
    age_ms = time.time() * 1000 - pane.end_ms
    if 0 <= age_ms < LIVE_MS:
        metrics.LATENCY_SECONDS.labels(pane.pane).observe(age_ms / 1000)
    for state in pane.modalities:
        absent = state.state == "missing" or (state.state == "held" and state.reason is None)
        if pane.pane == "final" and absent:
            metrics.MISSING.labels(state.modality).inc()
