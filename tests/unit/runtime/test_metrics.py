"""Every metric of the table is fed by a process that serves /metrics."""

import re

import pytest
from prometheus_client.metrics import MetricWrapperBase
from support.paths import ROOT

from affectstream.runtime import metrics

SERVING = ("workers", "dashboards", "producers/gateway", "runtime")  # a command that ends has no /metrics
TABLE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
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


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_documented_as_it_is_exposed(name):
    (family,) = getattr(metrics, name).describe()
    labels = ", ".join(f"`{label}`" for label in getattr(metrics, name)._labelnames) or "none"
    shown = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")

    assert f"| `{shown}` | {family.type} | {labels} | {family.documentation} | " in TABLE


def test_no_metric_is_documented_that_is_not_there():
    assert len(re.findall(r"^\| `affect_", TABLE, re.MULTILINE)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_label_has_a_value_per_call(name):
    assert not {"session", "session_id", "sid", "party", "call", "offset"} & set(
        getattr(metrics, name)._labelnames
    )
