"""The unit costs that capacity is computed from, and where each was measured."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files


@dataclass(frozen=True)
class Cost:
    """One measured cost."""

    value: float
    unit: str
    measured: str  # by what, and where
    row: str = ""  # of the README's table of speeds, where it stands there


@dataclass(frozen=True)
class Assumed:
    """What is chosen, not measured."""

    headroom: float
    broker_cores: float
    broker_disk_tb: float
    broker_network_mb_s: float
    redis_gib: float
    partition_margin: float


@dataclass(frozen=True)
class Costs:
    """All that the formula reads."""

    measured: Mapping[str, Cost]
    assumed: Assumed

    def __getitem__(self, name: str) -> float:
        return self.measured[name].value


def on_gpu(costs: Costs, a_second: Mapping[str, float]) -> Costs:
    """Return the costs where a worker of each modality reaches so many inputs a second on one GPU."""
    measured = {name: replace(costs.measured[name], value=value) for name, value in a_second.items()}
    return Costs({**costs.measured, **measured}, costs.assumed)


def read() -> Costs:
    """Return the costs of the file beside this module."""
    text = files("affectstream.capacity").joinpath("costs.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    measured = {name: Cost(**fields) for name, fields in tables["measured"].items()}
    return Costs(measured, Assumed(**tables["assumed"]))
