"""How many windows a second every rule fuses, at once and one by one."""

from collections.abc import Callable, Iterator

import numpy as np

from affectstream.models.fusion.evidence import Evidence, Rule
from affectstream.models.fusion.network_rule import FORWARD as EXPORTED
from affectstream.models.fusion.parameters import available
from affectstream.models.fusion.rules import rules
from affectstream.runtime.settings import Settings
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality, Observation
from affectstream.workers.fusion.config import configured
from affectstream.workers.fusion.offline import OfflineJoin
from benchmarks.measure import Row, compare
from benchmarks.workload import session

WINDOWS = 2000
SECONDS = 120
SIZES: dict[Modality, int] = {"video": 256, "audio": 1536, "text": 384}  # of the shipped models' embeddings


def rows(settings: Settings) -> Iterator[Row]:
    """Yield two figures per rule, each against the plain mean; fitted rules where there is a fitted file."""
    every = rules(available(settings.fusion.fitted))
    windows = drawn(WINDOWS)
    for name, rule in every.items():
        ours, plain = arrays(rule, windows), arrays(every["uniform"], windows)
        yield compare(f"{name}, {WINDOWS} at once", "windows/s", ours, "uniform", plain)
    for name in every:
        ours, plain = streamed(settings, name), streamed(settings, "uniform")
        yield compare(f"{name}, joined and composed", "windows/s", ours, "uniform", plain)


def drawn(windows: int) -> Evidence:
    """Return windows with nine modalities in ten present."""
    dice = np.random.default_rng(0)
    shape = (windows, len(MODALITIES))
    p = dice.dirichlet(np.full(N_EMOTIONS, 0.5), shape)
    present, quality, trust = dice.random(shape) < 0.9, dice.random(shape), dice.uniform(0.3, 1.0, shape)
    return Evidence(p, present, quality, trust, tuple(dice.normal(size=(windows, n)) for n in SIZES.values()))


def arrays(rule: Rule, windows: Evidence) -> Callable[[], int]:
    """Return what fuses all windows in one call."""
    return lambda: len(rule.fuse(windows).p)


def streamed(settings: Settings, name: str) -> Callable[[], int]:
    """Return what joins a session and composes its messages, one window after the other.

    Only networks are given embeddings, as only for them workers are told to send any.
    """
    network = name in EXPORTED
    fusion = configured(settings.fusion.model_copy(update={"rule": name, "embeddings": network}))
    items = [with_embedding(item) if network else item for item in session("rules", 0, SECONDS)]

    def join() -> int:
        offline = OfflineJoin(fusion)
        for item in items:
            offline.push(item)
        return SECONDS

    return join


def with_embedding(item: Observation) -> Observation:
    """Return the observation with some embedding of its modality's size."""
    said = np.random.default_rng(item.seq).normal(size=SIZES[item.modality]).astype("<f4")
    return item.model_copy(update={"embedding": said.tobytes()})
