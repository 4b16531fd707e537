"""What the tests of trainings share."""

from collections.abc import Iterator

import pytest

from affectstream.lab.training import robustness


@pytest.fixture(autouse=True, scope="package")
def few_rows_made_worse() -> Iterator[None]:
    """Judge every training on a few corrupted rows: that is most of a tiny one's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness, "MOST", 7)
        yield
