"""What the tests of trainings share."""

from collections.abc import Iterator

import pytest

from affectstream.lab.evaluation import plots
from affectstream.lab.training import robustness

PICTURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True, scope="package")
def few_rows_made_worse() -> Iterator[None]:
    """Judge every training on a few corrupted rows: that is most of a tiny one's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness, "MOST", 7)
        yield


@pytest.fixture(autouse=True, scope="package")
def undrawn() -> Iterator[None]:
    """Draw no plots for the reports of runs: tests/unit/lab/evaluation/test_evaluation_report.py does."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("overview", "robustness"):
            patch.setattr(plots, name, lambda *_: PICTURE)
        yield
