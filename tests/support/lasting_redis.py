"""A real Redis on a fixed port that is killed, started again with or without its data, and stopped."""

import signal
import subprocess
from pathlib import Path

from support.kafka_server import listens, wait_until

from affectstream.runtime.embedded import redis_binary
from affectstream.runtime.process import die_with_parent, free_port

START_S = 60


class RedisServer:
    """``start``, ``kill``, ``start``: with its append-only file it comes back as it was."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once it takes connections."""
        options = (
            f"--port {self.port} --bind 127.0.0.1 --dir {self.folder} --appendonly yes --loglevel warning"
        )
        self._process = subprocess.Popen(
            [redis_binary(), *options.split(), "--save", ""],
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        wait_until(lambda: listens(self.port), START_S, "redis-server to start")

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        """Remove the data of a Redis that is down."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def pause(self) -> None:
        """Stop it: connections are taken and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
