"""What every unit test shares."""

import sys

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Compute on one thread, module-scoped fixtures included: networks this small lose time on two."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
