"""The log that workers write to the topic of probabilities: calls of three modalities, mixed by chance."""

import random
from collections.abc import Iterator

from affectstream.schemas.messages import (
    Abstention,
    EndOfStream,
    Observation,
    Observations,
    Probabilities,
    Reason,
)

START_MS = 1_750_000_000_000
EXPECTS = ("video", "audio", "text")
Record = tuple[int, Observations]


def stream(rng: random.Random, session_id: str, modality: str, seconds: int) -> Iterator[Observation]:
    """Yield what a worker says of one modality: five frames, one chunk and one utterance per second."""
    step_ms, length_ms = {"video": (200, 0), "audio": (1000, 2000), "text": (1000, 1000)}[modality]
    whose = {"session_id": session_id, "party": "customer", "modality": modality, "expects": EXPECTS}
    seq = 0
    for seq, at_ms in enumerate(range(START_MS, START_MS + 1000 * seconds, step_ms)):
        times = {"start_ms": at_ms, "end_ms": at_ms + length_ms, "watermark_ms": at_ms + min(length_ms, 1000)}
        if rng.random() < 0.2:
            yield Abstention(**whose, **times, seq=seq, reason=Reason.SILENCE)
            continue
        raw = [rng.random() ** 3 + 1e-3 for _ in range(7)]
        p = tuple(x / sum(raw) for x in raw)
        yield Probabilities(**whose, **times, seq=seq, p=p, quality=round(rng.random(), 2), model_id=modality)
    end_ms = START_MS + 1000 * seconds
    yield EndOfStream(**whose, start_ms=end_ms, end_ms=end_ms, watermark_ms=end_ms, seq=seq + 1)


def records(rng: random.Random, sessions: int, seconds: int) -> list[Record]:
    """Return the log that workers write: sessions in their partitions, modalities interleaved."""
    log: list[Record] = []
    for number in range(sessions):
        queues = [list(stream(rng, f"call-{number}", modality, seconds)) for modality in EXPECTS]
        while queues := [queue for queue in queues if queue]:
            queue = rng.choice(queues)
            size = rng.randint(1, 8)
            log.append((number % 4, Observations(items=tuple(queue[:size]))))
            del queue[:size]
    order = {}
    for partition, record in log:
        order.setdefault(record.items[0].session_id, []).append((partition, record))
    return list(_alternating(rng, list(order.values())))


def _alternating(rng: random.Random, queues: list[list[Record]]) -> Iterator[Record]:
    while queues := [queue for queue in queues if queue]:
        yield rng.choice(queues).pop(0)
