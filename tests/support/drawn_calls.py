"""Drawn calls for the laws of the join: sessions, parties and modalities, interleaved as records arrive."""

import numpy as np

from affectstream.schemas.messages import Abstention, EndOfStream, Probabilities, Reason

MODALITIES = ("video", "audio", "text")


def timeline(rng, modality, start_ms, end_ms):
    """Yield (start, end, settled) of one modality's observations."""
    if modality == "video":
        step = rng.choice([40, 200, 700])
        for at in range(start_ms, end_ms, step):
            yield at, at, at + 1
    elif modality == "audio":
        for at in range(start_ms, end_ms, 1000):
            yield at, min(end_ms, at + 2000), min(end_ms, at + 1000)
    else:
        at = start_ms
        while at < end_ms:
            to = min(end_ms, at + rng.randint(100, 3500))
            yield at, to, to
            at = to


def stream(rng, session_id, party, expects, modality, start_ms):
    """Return one modality's observations in order, its end last."""
    end_ms = start_ms + rng.randint(0, 5000)
    whose = {"session_id": session_id, "party": party, "modality": modality, "expects": expects}
    items = []
    for start, end, settled in timeline(rng, modality, start_ms + rng.randint(0, 800), end_ms):
        envelope = {**whose, "seq": len(items), "start_ms": start, "end_ms": end, "watermark_ms": settled}
        if rng.random() < 0.2:
            items.append(Abstention(**envelope, reason=rng.choice(list(Reason))))
        else:
            raw = np.array([rng.random() ** 4 + 1e-6 for _ in range(7)])
            p = tuple((raw / raw.sum()).tolist())
            items.append(Probabilities(**envelope, p=p, quality=round(rng.random(), 3), model_id="m"))
    end = {**whose, "seq": len(items), "start_ms": end_ms, "end_ms": end_ms, "watermark_ms": end_ms}
    return [*items, EndOfStream(**end)]


def call(rng):
    """Return the streams of one or two sessions with one or two parties each."""
    streams = []
    for session_id in ("one", "two")[: rng.randint(1, 2)]:
        start_ms = 1_750_000_000_000 + rng.randint(0, 3000)
        for party in ("customer", "agent")[: rng.randint(1, 2)]:
            expects = tuple(sorted(rng.sample(MODALITIES, rng.randint(1, 3))))
            streams += [stream(rng, session_id, party, expects, m, start_ms) for m in expects]
    return streams


def interleave(rng, streams, duplicates=0.0):
    """Return one merged order: each stream's own is kept, and duplicates follow their originals anywhere."""
    merged, queues = [], [list(s) for s in streams if s]
    seen = []
    burst = rng.choice([1, 5, 1000])
    while queues:
        queue = rng.choice(queues)
        for _ in range(min(len(queue), rng.randint(1, burst))):
            merged.append(queue.pop(0))
            seen.append(merged[-1])
            while rng.random() < duplicates:
                merged.append(rng.choice(seen))
        if not queue:
            queues.remove(queue)
    return merged


def in_records(rng, items):
    """Cut an order of observations into records as workers' batches do."""
    items = list(items)
    while items:
        size = rng.randint(1, 6)
        yield tuple(items[:size])
        del items[:size]
