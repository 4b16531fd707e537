"""What is counted of the partitions: duplicates, open windows, records that the broker dropped."""

from collections.abc import Iterable

import structlog

from affectstream.runtime import metrics
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.fusion.partition import Partition

log = structlog.get_logger(__name__)


def count(partitions: Iterable[Partition]) -> None:
    """Count duplicates since the last time, and the windows that are open."""
    open_windows = 0
    for partition in partitions:
        for modality, number in partition.join.duplicates.items():
            metrics.DUPLICATES.labels(modality).inc(number)
        partition.join.duplicates.clear()
        open_windows += partition.join.open_windows()
    metrics.OPEN_WINDOWS.set(open_windows)


def lost(partition: int, missed: int, fatal: bool) -> None:
    """Count records that were dropped before they were read; raises Unavailable where that is ``fatal``."""
    metrics.GAPS.labels(PROBABILITIES.name).inc(missed)
    log.error("records_lost", topic=PROBABILITIES.name, partition=partition, missed=missed)
    if fatal:
        raise Unavailable(
            f"the embedded broker dropped {missed} records of {PROBABILITIES.name} before they were "
            "read: it keeps little; replay more slowly, or use a real Kafka"
        )
