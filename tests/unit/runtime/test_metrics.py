"""Every metric of the table is fed by a process that serves /metrics."""

import re

import pytest
from prometheus_client.metrics import MetricWrapperBase
from support.paths import ROOT

from affectstream.runtime import metrics

SERVING = ("workers", "dashboards", "producers/gateway", "runtime")  # a command that ends has no /metrics
NAMES = sorted(name for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase))


@pytest.fixture(scope="module")
def sources() -> str:
    """The code of all serving processes."""
    files = [path for folder in SERVING for path in sorted((ROOT / folder).rglob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_fed(name, sources):
    """Set in place, or handed to what sets it."""
    assert re.search(rf"\b(metrics\.)?{name}\.(labels|inc|set|observe|info)\(", sources)


def test_the_table_is_not_empty():
    assert len(NAMES) > 15
