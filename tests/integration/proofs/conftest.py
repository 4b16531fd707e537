"""A whole system per test, on a real Kafka and a real Redis."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.system import System, running

from affectstream.runtime.settings import Settings


@pytest.fixture
def start(broker_settings: Settings, tmp_path: Path) -> Callable[[int], AbstractContextManager[System]]:
    """Start a system with so many workers per modality on this test's own topics and database."""
    return lambda workers: running(broker_settings, workers, tmp_path / "logs")
