"""The plain fold that every peer does: sums per party, window and modality, counted out as windows close.

No message is built, and nothing is written to Kafka or Redis: less than the fusion process does.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgpack

WINDOW_MS = 1000
SIZE = 7

Item = Mapping[str, Any]
Sums = dict[str, list[float]]  # of p times weight, then of weight, by modality


def items(value: bytes) -> list[Item]:
    """Return the observations of one record."""
    found: list[Item] = msgpack.unpackb(value)["items"]
    return found


def key(item: Item) -> str:
    """Return whose observation it is."""
    return f"{item['sid']}/{item['party']}"


def empty() -> Sums:
    """Return the sums of a window without any observation."""
    return {}


def added(sums: Sums, item: Item) -> Sums:
    """Add an observation to the sums of its window, and return them."""
    weight = item["quality"]
    sum_ = sums.setdefault(item["mod"], [0.0] * (SIZE + 1))
    for i, x in enumerate(item["p"]):
        sum_[i] += weight * x
    sum_[SIZE] += weight
    return sums


def means(sums: Mapping[str, list[float]]) -> Sums:
    """Return the weighted mean of each modality, as the window closes."""
    return {modality: [x / sum_[SIZE] for x in sum_[:SIZE]] for modality, sum_ in sums.items()}


class Windows:
    """Tumbling windows of all parties, for a peer that has none of its own."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Sums] = {}
        self._newest: dict[str, int] = {}
        self.closed = 0

    def add(self, found: Iterable[Item]) -> None:
        """Fold observations in; a window closes when one of the next begins."""
        for item in found:
            whose, start = key(item), item["start"] // WINDOW_MS
            newest = self._newest.get(whose, start)
            if start > newest:
                means(self._open.pop((whose, newest)))
                self.closed += 1
            self._newest[whose] = max(start, newest)
            added(self._open.setdefault((whose, start), empty()), item)


class Clock:
    """Processor and wall time from the first observation to the last."""

    def __init__(self, observations: int) -> None:
        self._left = observations
        self._all = observations
        self._cpu_s = self._wall_s = 0.0

    def count(self, observations: int) -> None:
        """Note that so many have been folded; ends the process when all are."""
        self._left -= observations
        if self._left <= 0:
            cpu_s, wall_s = time.process_time() - self._cpu_s, time.perf_counter() - self._wall_s
            sys.stdout.write(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s}) + "\n")
            sys.stdout.flush()
            os._exit(0)

    def begin(self) -> None:
        """Note that the first record is there."""
        if not self._wall_s:
            self._cpu_s, self._wall_s = time.process_time(), time.perf_counter()


def arguments() -> tuple[str, str, int]:
    """Return what a peer is started with: broker, topic, how many observations there are."""
    _, bootstrap, topic, observations = sys.argv
    return bootstrap, topic, int(observations)
