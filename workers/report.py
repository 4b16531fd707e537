"""What a worker tells its operators of a batch: counters and log lines, never content."""

import structlog

from affectstream.runtime import metrics
from affectstream.schemas.messages import Abstention, Modality, Observation
from affectstream.workers.delivery import Done, failures
from affectstream.workers.observe import Outcome

log = structlog.get_logger(__name__)


def batch_analysed(modality: Modality, rows: int, seconds: float) -> None:
    """Count one batch through the model."""
    metrics.BATCH_ROWS.labels(modality).observe(rows)
    metrics.INFERENCE_SECONDS.labels(modality).observe(seconds)


def batch_delivered(modality: Modality, batch: list[Done]) -> None:
    """Count what a batch led to, and log its dead letters."""
    for _, result in batch:
        if isinstance(result, Outcome):
            metrics.OBSERVATIONS.labels(modality, state_of(result.observation)).inc()
    for item, failure in failures(batch):
        record = item.record
        metrics.DEAD_LETTERS.labels(record.topic, failure.reason).inc()
        log.warning(
            "dead_letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=failure.reason,
            detail=failure.detail,
        )


def state_of(observation: Observation) -> str:
    """Return the label of an observation: its type, or why it abstains."""
    return str(observation.reason) if isinstance(observation, Abstention) else observation.type
