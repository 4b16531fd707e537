"""A terminal: commands as a user types them in a folder."""

import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from affectstream.runtime.process import die_with_parent

SHOWN_S = 60


@dataclass(frozen=True)
class Terminal:
    """A working directory and an environment."""

    folder: Path
    env: dict[str, str]

    def run(self, command: str) -> str:
        """Run a command to its end; returns what it printed on standard output."""
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, command + "\n" + done.stdout + done.stderr
        return done.stdout

    def run_until(self, command: str, expected: str) -> str:
        """Repeat a command until it succeeds and prints what is expected; the stream takes its time."""
        deadline = time.monotonic() + SHOWN_S
        while True:
            done = subprocess.run(
                command, shell=True, cwd=self.folder, env=self.env, capture_output=True, text=True
            )
            assert "Traceback" not in done.stderr, done.stderr
            if done.returncode == 0 and expected in done.stdout:
                return done.stdout
            assert time.monotonic() < deadline, done.stdout + done.stderr


def interruptible() -> None:
    """Undo what a shell does to the jobs of its background: they ignore interrupts, and so would theirs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    die_with_parent()
