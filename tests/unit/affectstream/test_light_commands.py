"""What a command imports: no heavy package that it does not use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import COMMANDS, NOWHERE
from support.recordings import voice, wav

HEAVY = {
    "aiohttp", "aiokafka", "av", "confluent_kafka", "cv2", "fastapi", "faust", "huggingface_hub", "librosa",
    "matplotlib", "numba", "numpy", "pandas", "redis", "scipy", "sklearn", "torch",
    "torchvision", "transformers", "uvicorn",
}  # fmt: skip
LOADED = """
import sys
from affectstream.cli import main
for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit:
        pass
print(*sys.modules, file=sys.stderr)
"""
USED: dict[str, set[str]] = {
    "config": set(),
    "sessions": {"redis"},
    "show call": {"numpy", "redis"},
    "trust show": {"redis"},
    "topics list": {"aiokafka"},
    "analyze {call}": {"av", "cv2", "numpy", "torch"},
}


def loaded(*commands: str) -> set[str]:
    """The heavy modules that a process has imported after these commands."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *commands],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **NOWHERE},
    )
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("command", USED)
def test_a_command_imports_no_heavy_package_that_it_does_not_use(command: str, tmp_path: Path) -> None:
    wav(tmp_path / "call.wav", voice(1))
    assert loaded(command.format(call=tmp_path / "call.wav")) <= USED[command]


def test_no_help_imports_a_heavy_package() -> None:
    assert loaded("--help", *(f"{command} --help" for command in COMMANDS)) == set()
