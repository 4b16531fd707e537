"""Processes that are started, watched and stopped together."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from affectstream.runtime.process import REFUSED, die_with_parent
from affectstream.schemas.errors import Unavailable

RESTARTS, RESTARTS_S = 5, 300.0  # of one process, within so long: more is no accident
STOP_S = 15.0  # a process that has not stopped by itself by then is killed


@dataclass
class Child:
    """One process: ``python -m MODULE``, with its own environment, log file and health port."""

    name: str
    module: str
    env: Mapping[str, str]
    port: int = 0  # of /readyz; 0: ready at once
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    restarted_s: list[float] = field(default_factory=list, repr=False)  # when, on the monotonic clock


class Children:
    """A group of processes with their logs in one folder."""

    def __init__(self, children: Sequence[Child], logs: Path) -> None:
        self.children = {child.name: child for child in children}
        self.logs = logs

    def start(self, name: str) -> None:
        """Start one process, or start it again."""
        child = self.children[name]
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-P", "-m", child.module],  # -P: modules of the user's folder are not ours
                env={**os.environ, **child.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt at the terminal reaches the parent alone
                preexec_fn=lambda: die_with_parent(signal.SIGTERM),
            )

    def kill(self, name: str) -> None:
        """Kill one process as a crash would: no signal handler runs."""
        process = self._process(name)
        process.kill()
        process.wait()

    def check(self) -> None:
        """Raise Unavailable where a process has ended by itself."""
        for name, code in self._ended().items():
            raise self._dead(name, code)

    def restart_crashed(self) -> dict[str, int]:
        """Start again what has crashed, was killed, or ended to be restarted; return the exit codes by name.

        Raises Unavailable where one has ended otherwise, or has crashed again and again.
        """
        ended = self._ended()
        for name, code in ended.items():
            child, now_s = self.children[name], time.monotonic()
            child.restarted_s = [s for s in child.restarted_s if now_s - s < RESTARTS_S]
            if code in (0, REFUSED) or len(child.restarted_s) >= RESTARTS:
                raise self._dead(name, code)
            child.restarted_s.append(now_s)
            self.start(name)
        return ended

    def _ended(self) -> dict[str, int]:
        """Return the exit codes of what has ended by itself."""
        codes = {name: child.process.poll() for name, child in self.children.items() if child.process}
        return {name: code for name, code in codes.items() if code is not None}

    def _dead(self, name: str, code: int) -> Unavailable:
        return Unavailable(f"{name} ended with exit code {code}; its last words:\n{self.last_words(name)}")

    def last_words(self, name: str, lines: int = 8) -> str:
        """Return the end of a process's log."""
        path = self.logs / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def ready(self, name: str) -> bool:
        """Return whether a process answers that it is ready."""
        child = self.children[name]
        if not child.port:
            return True
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{child.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self, timeout_s: float, names: Sequence[str] | None = None) -> None:
        """Wait until all (or the named) processes are ready; raises Unavailable otherwise."""
        deadline = time.monotonic() + timeout_s
        waiting = list(names or self.children)
        while waiting:
            self.check()
            waiting = [name for name in waiting if not self.ready(name)]
            if waiting and time.monotonic() > deadline:
                raise Unavailable(
                    f"not ready after {timeout_s:.0f} s: {', '.join(waiting)}; logs in {self.logs}"
                )
            if waiting:
                time.sleep(0.1)

    def _process(self, name: str) -> subprocess.Popen[bytes]:
        process = self.children[name].process
        if process is None:
            raise Unavailable(f"{name} was never started")
        return process

    def __enter__(self) -> Self:
        try:
            for name in self.children:
                self.start(name)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ask all processes to stop, in the order of their start, and kill those that do not."""
        running = [c.process for c in self.children.values() if c.process and c.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
