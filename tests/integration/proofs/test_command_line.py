"""The commands as a user types them: everything up on this machine, a call replayed, shown, purged."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.system import DEMO

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

COMMAND = str(Path(sys.executable).parent / "affectstream")
START_MS = "1700000000000"
CALL = [
    str(DEMO.parent / "agent.flac"),
    "-t",
    str(DEMO.parent / "transcript.vtt"),
    "--speaker",
    "customer=Agent",
]


def run(*arguments: str, env: dict[str, str]) -> str:
    """Run a command to its end and return what it printed."""
    result = subprocess.run(
        [COMMAND, *arguments], env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def interruptible() -> None:
    """Undo what a shell does to the jobs of its background: they ignore interrupts, and so would theirs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[dict[str, str]]:
    """`affectstream up`, and the environment that it tells other terminals to use."""
    base = {**os.environ, "COLUMNS": "200", "AFFECT_API__PORT": "0"}
    said = tmp_path / "up.txt"
    with said.open("w") as out:
        process = subprocess.Popen(
            [COMMAND, "up", "--logs", str(tmp_path / "logs")],
            stdout=out,
            env=base,
            preexec_fn=interruptible,
        )
    deadline = time.monotonic() + 240
    while "affectstream replay" not in said.read_text():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.2)
    yield base | dict(re.findall(r"(AFFECT_\w+)=(\S+)", said.read_text()))
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert "stopping" in said.read_text()


def test_a_call_is_replayed_shown_and_purged(up: dict[str, str], tmp_path: Path) -> None:
    streamed, offline = tmp_path / "streamed.jsonl", tmp_path / "offline.jsonl"
    run("replay", *CALL, "--session", "typed", "--start", START_MS, env=up)
    run("analyze", *CALL, "--session", "typed", "--start-ms", START_MS, "-o", str(offline), env=up)
    deadline = time.monotonic() + 120
    while not streamed.exists() or len(streamed.read_text()) < len(offline.read_text()):
        assert time.monotonic() < deadline
        result = subprocess.run([COMMAND, "show", "typed", "-o", str(streamed)], env=up, capture_output=True)
        assert b"Traceback" not in result.stderr
    assert streamed.read_bytes() == offline.read_bytes()
    assert "typed" in run("sessions", env=up)
    assert "affect.probabilities" in run("topics", "list", env=up)
    assert "typed" in run("purge", "typed", env=up)
    assert "typed" not in run("sessions", env=up)
