"""A real Kafka broker in KRaft mode for the tests, from the jars of `make kafka`."""

import base64
import shlex
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import KafkaSettings
from affectstream.schemas.access import OPERATOR, PROCESSES

ROOT = Path(__file__).parents[2]
JARS = (ROOT / ".cache" / "kafka").resolve()  # an archive of classes holds for one path
CLASSES = ROOT / ".cache" / "kafka-classes" / "classes.jsa"
START_TIMEOUT_S = 180
USER, PASSWORD = "streamer", "correct-horse"  # may do everything, as may whoever comes without TLS
PROCESS_USERS = {process.user: f"{process.user}-battery" for process in PROCESSES} | {OPERATOR: "staple-1"}

PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{secure}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.secure.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={folder}/broker.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{user}
log.dirs={folder}/data
auto.create.topics.enable={auto_create}
num.network.threads=2
num.io.threads=2
background.threads=2
metadata.max.idle.interval.ms=0
log.retention.check.interval.ms=5000
log.initial.task.delay.ms=500
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""


class Broker:
    """One broker process; ``kill`` and ``start`` bring it down and up with its data."""

    def __init__(
        self, folder: Path, properties: str, port: int, cluster_id: str, *format: str, heap_mb: int = 512
    ) -> None:
        """``properties`` have it listen on ``port``; ``format`` are more options for its storage."""
        self._folder, self._port, self._heap_mb = folder, port, heap_mb
        self._process: subprocess.Popen[bytes] | None = None
        self._spawner = ThreadPoolExecutor(1)  # the broker dies with the thread that started it
        self._properties = folder / "server.properties"
        self._properties.write_text(properties)
        _format(f"--cluster-id={cluster_id}", "-c", str(self._properties), *format)

    def start(self) -> None:
        """Return once the broker answers."""
        self.launch()
        self.wait_started()

    def launch(self) -> None:
        """Start the process."""
        self._process = self._spawner.submit(self._spawn).result()

    def wait_started(self) -> None:
        """Return once the broker answers."""
        wait_until(self._accepts, START_TIMEOUT_S, "the broker to listen")

    def kill(self) -> None:
        """End the broker at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def shut_down(self) -> None:
        """End the broker in order: it hands its partitions over first."""
        self._end(signal.SIGTERM)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, as SIGSTOP and SIGCONT."""
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self._folder / "broker.log").open("wb") as log:
            return subprocess.Popen(
                [*_JAVA, f"-Xmx{self._heap_mb}m", "kafka.Kafka", str(self._properties)],
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def _accepts(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"Kafka ended: {(self._folder / 'broker.log').read_text()[-2000:]}")
        return "Kafka Server started" in (self._folder / "broker.log").read_text() and listens(self._port)


class KafkaServer(Broker):
    """A broker that is a cluster of its own, with a second, encrypted listener."""

    def __init__(self, folder: Path, auto_create: bool = False) -> None:
        """``auto_create``: topics appear when they are asked for by name, as a broker's default has it."""
        self.creates = auto_create
        plain, secure, controller = (free_port() for _ in range(3))
        self.bootstrap = f"127.0.0.1:{plain}"
        self.secure_bootstrap = f"127.0.0.1:{secure}"
        self.cafile = folder / "ca.pem"
        properties = PROPERTIES.format(
            plain=plain,
            secure=secure,
            controller=controller,
            auto_create=str(auto_create).lower(),
            folder=folder,
            user=USER,
            password=PASSWORD,
        )
        certificate(folder)
        users = {USER: PASSWORD} | PROCESS_USERS
        scram = [f"SCRAM-SHA-512=[name={name},password={word}]" for name, word in users.items()]
        added = [option for each in scram for option in ("-S", each)]
        super().__init__(folder, properties, plain, new_cluster_id(), *added)

    def secured(self, user: str, topic_prefix: str) -> KafkaSettings:
        """Settings of a process that comes by TLS and SCRAM as one of PROCESS_USERS."""
        return KafkaSettings(
            bootstrap=self.secure_bootstrap,
            security_protocol="SASL_SSL",
            sasl_username=user,
            sasl_password=PROCESS_USERS[user],
            ssl_cafile=self.cafile,
            topic_prefix=topic_prefix,
        )


def new_cluster_id() -> str:
    """Return the id of a new cluster."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Poll ``condition`` with a deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s} s for {what}")
        time.sleep(0.05)


# a broker here lives for minutes: what costs least at its start; Java ignores an archive that is not its own
_JAVA = [
    "java",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    *([f"-XX:SharedArchiveFile={CLASSES}"] if CLASSES.is_file() else []),
    "-Dorg.slf4j.simpleLogger.logFile=System.out",
    "-cp",
    f"{JARS}/*",
]


def acl_tool(folder: Path) -> Path:
    """Return a `kafka-acls.sh`, as Kafka's distribution has it, made in a folder from the jars."""
    if not list(JARS.glob("kafka-tools-*.jar")):
        pytest.skip("no Kafka tools in .cache/kafka; run `make kafka`")
    tool = folder / "kafka-acls.sh"
    command = [*_JAVA[:-2], "-Xshare:auto", *_JAVA[-2:], "org.apache.kafka.tools.AclCommand"]
    tool.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    tool.chmod(0o700)
    return tool


def _format(*options: str) -> None:
    command = [*_JAVA, "kafka.tools.StorageTool", "format", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_TIMEOUT_S)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def certificate(folder: Path) -> None:
    """Make key.pem, ca.pem (the certificate, which signs itself) and broker.pem (both) for 127.0.0.1."""
    key, cert = folder / "key.pem", folder / "ca.pem"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, *name],
        check=True,
        capture_output=True,
    )
    (folder / "broker.pem").write_text(key.read_text() + cert.read_text())


def listens(port: int) -> bool:
    """Say whether somebody listens on a local port."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True
