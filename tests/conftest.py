"""What every test shares."""

import gc
import os
import sys
import tempfile
from pathlib import Path

# before NumPy: on two threads, which wait busily for each other, matrices this small take twice the time
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from hypothesis import settings
from support.paths import DATA

gc.disable()  # what is imported while tests are collected stays: looking through it is a third of that time
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # seconds, for formats that no schema here has

if DATA.is_dir():
    os.environ.setdefault("AFFECT_DATA", str(DATA))  # as the Makefile does

# no system that runs on this machine is found by a test, and none of a test's by anybody else
RUNTIME = tempfile.TemporaryDirectory(prefix="affect-run-")
os.environ["XDG_RUNTIME_DIR"] = RUNTIME.name
os.environ["XDG_STATE_HOME"] = str(Path(RUNTIME.name) / "state")  # no audit log of anybody else's

settings.register_profile("shared-machine", deadline=None, derandomize=True)
settings.load_profile("shared-machine")


def pytest_collection_finish() -> None:
    """Collect garbage from here on, and only what the tests make."""
    gc.freeze()
    gc.enable()
