"""What the fusion process and its peers are fed: calls with faces, voice and words, as a log."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from affectstream.schemas.codec import encode
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality, Observation, Observations, Probabilities

PARTITIONS = 4
START_MS = 1_700_000_000_000
DISTINCT = 512  # distributions, drawn once: a run is not about making numbers
Rates = dict[Modality, int]  # observations a second


def rates(fps: int) -> Rates:
    """Return a party's rates: faces at ``fps``, a chunk and an utterance a second."""
    return {"video": fps, "audio": 1, "text": 1}


def _distributions() -> list[tuple[float, ...]]:
    dice = random.Random(7)
    drawn = ([dice.random() ** 3 + 1e-3 for _ in range(N_EMOTIONS)] for _ in range(DISTINCT))
    return [tuple(x / sum(p) for x in p) for p in drawn]


DISTRIBUTIONS = _distributions()


@dataclass(frozen=True)
class Load:
    """So many sessions for so many seconds, a record holding so many observations of one session."""

    sessions: int
    seconds: int
    fps: int = 5
    per_record: int = 8

    @property
    def observations(self) -> int:
        """How many observations there are in all."""
        return self.sessions * self.seconds * sum(rates(self.fps).values())

    def __str__(self) -> str:
        record = "1 observation" if self.per_record == 1 else f"{self.per_record} observations"
        return f"{self.sessions:,} sessions at {self.fps} fps, {record} a record"


def session(
    name: str, start_ms: int = START_MS, seconds: int = 60, per_second: Rates | None = None
) -> Iterator[Observation]:
    """Yield the observations of a party with all three modalities, by time, second by second."""
    per_second = per_second or rates(5)
    seq = dict.fromkeys(MODALITIES, 0)
    for second_ms in range(start_ms, start_ms + 1000 * seconds, 1000):
        for modality in MODALITIES:
            for k in range(per_second[modality]):
                at_ms = second_ms + k * 1000 // per_second[modality]
                end_ms = at_ms if modality == "video" else at_ms + 1000
                yield Probabilities(
                    session_id=name,
                    party="customer",
                    modality=modality,
                    seq=seq[modality],
                    start_ms=at_ms,
                    end_ms=end_ms,
                    watermark_ms=max(end_ms, at_ms + 1),
                    expects=MODALITIES,
                    p=DISTRIBUTIONS[hash((name, modality, seq[modality])) % DISTINCT],
                    quality=0.5,
                    model_id="bench/1",
                )
                seq[modality] += 1


def steps(load: Load) -> Iterator[list[Observation]]:
    """Yield the observations of each record in the order of the log: sessions interleaved by time."""
    streams = [
        list(session(f"call-{i:05d}", START_MS, load.seconds, rates(load.fps))) for i in range(load.sessions)
    ]
    for start in range(0, len(streams[0]), load.per_record):
        for items in streams:
            yield items[start : start + load.per_record]


Record = tuple[int, bytes, bytes]  # partition, key, value


def records(load: Load) -> list[Record]:
    """Return the log; a session stays in its partition."""
    return [
        (number % load.sessions % PARTITIONS, items[0].session_id.encode(), packed(items))
        for number, items in enumerate(steps(load))
    ]


def packed(items: Sequence[Observation]) -> bytes:
    """Return one record's value."""
    return encode(Observations(items=tuple(items)))
