"""The state of the processes, from the metrics that each serves: rates, lag, latency, losses, models."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

ANSWER_S = 1.0
FRESH_S = 2.0  # between two looks, however many visitors there are
MOST_BYTES = 1 << 20

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    """The numbers of one look at a process."""

    at_s: float
    values: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def serves(self, name: str) -> bool:
        """Say whether there is a series of a name."""
        return any(found == name for found, _ in self.values)

    def total(self, name: str, **labels: str) -> float:
        """Return the sum over the series of a name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (found, of), value in self.values.items() if found == name and wanted <= of)

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return the sums by one label, those that are not zero."""
        sums: dict[str, float] = {}
        for (found, of), value in self.values.items():
            if found == name and value:
                key = dict(of).get(label, "")
                sums[key] = sums.get(key, 0.0) + value
        return sums

    def info(self, name: str) -> dict[str, str]:
        """Return the labels of an info metric, none where it is not served."""
        return next((dict(of) for (found, of), value in self.values.items() if found == name and value), {})


@dataclass
class Process:
    """One process: its newest look, and the one before for rates."""

    name: str
    url: str
    newest: Sample | None = None  # None: it does not answer
    before: Sample | None = None

    def rate(self, *names: str) -> float | None:
        """Return how much counters grow in a second; None before two looks, or without any."""
        if self.newest is None or self.before is None or self.newest.at_s <= self.before.at_s:
            return None
        if not any(found in names for found, _ in self.newest.values):
            return None
        grown = sum(self.newest.total(name) - self.before.total(name) for name in names)
        return max(0.0, grown) / (self.newest.at_s - self.before.at_s)

    def quantile(self, name: str, share: float) -> float | None:
        """Return a quantile of a histogram since the process began, in its unit: the bound of its bucket."""
        if self.newest is None:
            return None
        bounds: dict[float, float] = {}
        for (found, of), value in self.newest.values.items():
            if found == f"{name}_bucket":
                bound = float(dict(of)["le"])
                bounds[bound] = bounds.get(bound, 0.0) + value
        count = bounds.get(float("inf"), 0.0)
        if not count:
            return None
        return min(bound for bound, below in bounds.items() if below >= share * count)


@dataclass
class Processes:
    """The processes whose metrics are at known addresses; one reader for all visitors."""

    urls: Mapping[str, str]
    now_s: Callable[[], float] = time.monotonic
    found: list[Process] = field(init=False)
    _looked_s: float = field(init=False, default=-1e9)
    _lock: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Know the processes by name before the first look."""
        self.found = [Process(name, url) for name, url in self.urls.items()]

    async def refresh(self) -> list[Process]:
        """Return the processes, looked at again where that was more than FRESH_S ago."""
        async with self._lock:
            if self.now_s() - self._looked_s >= FRESH_S:
                timeout = aiohttp.ClientTimeout(total=ANSWER_S)
                async with aiohttp.ClientSession(timeout=timeout) as session:
                    await asyncio.gather(*(self._look(session, process) for process in self.found))
                self._looked_s = self.now_s()
        return self.found

    async def _look(self, session: aiohttp.ClientSession, process: Process) -> None:
        try:
            async with session.get(process.url) as answer:
                answer.raise_for_status()
                text = (await answer.content.read(MOST_BYTES)).decode()
                values = sampled(text_string_to_metric_families(text))
        except (aiohttp.ClientError, TimeoutError, ValueError):
            process.newest = process.before = None
            return
        process.before, process.newest = process.newest, Sample(self.now_s(), values)


def sampled(
    families: Iterable[Metric],
) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the values of all series by name and labels; raises ValueError for text that is none."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
