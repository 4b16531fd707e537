"""A producer, the fusion agent and the API start where torch is not installed."""

import subprocess
import sys

BLOCKED = """
import importlib.abc, sys

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "transformers", "librosa", "scipy", "sklearn"}:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())
"""


def imports(statement: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{BLOCKED}\n{statement}"], capture_output=True, text=True, check=False
    )


MODULES = (
    "affectstream.producers.session",
    "affectstream.producers.replay",
    "affectstream.producers.camera",
    "affectstream.producers.microphone",
    "affectstream.workers.fusion.join",
    "affectstream.workers.fusion.agent",
    "affectstream.workers.alerts",
    "affectstream.dashboards.api",
    "affectstream.runtime.kafka",
    "affectstream.runtime.store",
    "affectstream.cli",
)


def test_what_needs_no_torch_is_imported_with_torch_blocked() -> None:
    result = imports("\n".join(f"import {module}" for module in MODULES))
    assert result.returncode == 0, result.stderr


def test_the_block_would_be_noticed() -> None:
    assert "torch is blocked" in imports("import torch").stderr
