"""An environment that the built package is installed into."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from affectstream.runtime.process import die_with_parent, free_port

READY_S = 120.0
NO_INDEX = (
    "Failed to fetch",
    "error sending request",
    "dns error",
    "Connection refused",
    "Could not connect",
)


def uv(*arguments: str | Path) -> None:
    """Run uv; where no package index answers, the test is skipped."""
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, timeout=500
    )
    if done.returncode and any(sign in done.stderr for sign in NO_INDEX):
        pytest.skip(f"no package index answers: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Installed:
    """An environment that holds nothing but the package and what it depends on."""

    folder: Path

    def start(self, *arguments: str | Path, **env: str) -> subprocess.Popen[str]:
        """Start a program of the environment in an empty working directory."""
        program, *rest = arguments
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("AFFECT_", "PYTHON"))
        }
        return subprocess.Popen(
            [self.folder / "bin" / program, *rest],
            env=clean | {"COLUMNS": "200"} | env,
            cwd=self.folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent,
        )

    def run(self, *arguments: str | Path, code: int = 0, **env: str) -> str:
        """Run a program to its end and return what it printed."""
        process = self.start(*arguments, **env)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == code, output
        return output

    def serve(self, name: str, settings: dict[str, str]) -> None:
        """Run a process until it says that it is ready, and end it by SIGTERM."""
        port = free_port()
        where = f"AFFECT_{name.upper()}__{'PORT' if name == 'api' else 'HEALTH_PORT'}"
        process = self.start("affectstream", "worker", name, **(settings | {where: str(port)}))
        try:
            deadline = time.monotonic() + READY_S
            while not answers(f"http://127.0.0.1:{port}/readyz"):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline, f"{name} is not ready after {READY_S} s"
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 0, output
        finally:
            process.kill()


def answers(url: str) -> bool:
    """Say whether a URL is answered by 200."""
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
