"""Every command that the README and the documents print, run as it stands there, on a real Kafka and Redis.

Twice: where the broker makes no topics by itself, and with a broker's default. The files that a command
names lie in its working directory; a word in capitals (`SESSION`) stands for a value. Windows are written to
Redis as the fusion process would; `test_readme.py` and the proofs run the README's beside a whole system.
"""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from support.documented import PROGRAMS, as_meant, beginning, commands, is_mention
from support.kafka_server import KafkaServer, listens
from support.mcap_files import made_up_call, recorded
from support.recordings import call, voice, wav
from support.redis_panes import finals

from affectstream import cli, export
from affectstream.analytics.label import Display
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(400)]

NOT_RUN = {  # by the beginning of a command: why it is not run here, and what proves it
    "affectstream up": "starts servers of its own: tests/integration/test_readme.py runs it",
    "affectstream show --follow": "goes on until it is interrupted: tests/integration/test_readme.py runs it",
    "make": "builds, tests or measures this checkout",
    "uv pip": "installs packages: tests/integration/proofs/test_installed.py runs it",
    "docker": "needs a container engine: tests/unit/test_containers.py asks docker-compose about the files",
    "scripts/make-env": "writes the secrets of the containers: tests/unit/test_containers.py runs it",
    "affectstream record": "goes on until it is stopped: tests/integration/proofs/test_recordings.py runs it",
    "affectstream rescore recordings/call-7.mcap --voice-model": "needs another model",
    "affectstream rescore recordings/call-7.mcap --face-model": "needs another model",
    "affectstream analyze call.wav --asr": "needs the recogniser's weights, which are fetched: as below",
    "affectstream worker asr": "the same: tests/unit/workers/asr",
    "affectstream evaluate voice": "takes a minute without corpora, too, and prints what the card states",
    "affectstream audit verify --holds": "needs a hash of an earlier check: tests/unit of the audit log",
    "python -m affectstream.dashboards.grafana.build": "writes into the checkout: tests/unit/dashboards",
    "python -m affectstream.producers": "needs a camera or a microphone: tests/unit/producers",
}
REFUSED = {  # by the beginning of a command: what it needs and has not got, so that it is refused in one line
    **dict.fromkeys(
        ("train", "evaluate", "ship", "leakcheck", "compare", "fusion log", "fusion fit", "fusion compare"),
        "corpora (docs/models/corpora.md), runs or logs",
    ),
    "dashboards push": "a Grafana",
    "dashboards check": "a Grafana",
    "dashboards annotate": "a Grafana",
    "simulate words": "a call that goes on: tests/integration/producers/gateway/test_live_words.py has one",
    "rescore recordings/call-7.mcap --shadow": "answers in shadow: proofs/test_shadow_of_a_call.py has some",
    "consent id": "a key of session ids (gateway.session_key)",
    "licences --commercial": "weights that permit commercial use: it is a check, which these do not pass",
}
LAB = "python -m affectstream.lab"  # needs corpora, too; its modules are run with --help
ONCE = ("analyze", "licences", "rescore", *REFUSED)  # need no broker
PROCESSES = ("affectstream gateway", "affectstream worker", "python -m affectstream.dashboards")
VTT = "WEBVTT\n\n00:00.200 --> 00:01.800\n<v Customer>I am very angry.\n"
SEGMENTS = [
    {"start": 0.2, "end": 0.9, "text": "How can I help?", "speaker": "AGENT"},
    {"start": 1.0, "end": 1.8, "text": "I am very angry.", "speaker": "CUSTOMER"},
]
SECRET = "YSBzZWNyZXQgb2YgbWFueSBsZXR0ZXJz"
READY_S = 120
PAGES = list(dict.fromkeys(page for page, _ in commands(*PROGRAMS)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the files that the commands name."""
    found = tmp_path_factory.mktemp("documented")
    call(found / "call.mp4", 2)
    wav(found / "call.wav", voice(2), voice(2))
    wav(found / "stereo.wav", voice(2), voice(2, pitch_hz=220))
    (found / "call.vtt").write_text(VTT)
    (found / "call.json").write_text(json.dumps({"segments": SEGMENTS}))
    for place in ("no-corpora", "recordings"):
        (found / place).mkdir()
    recorded(found / "recordings", made_up_call(session_id="call-7"), "call-7")
    for place in ("etc", "secrets"):
        (found / place).mkdir()
    shipped = Path(cli.__file__).parent / "analytics" / "alerts.toml"
    (found / "etc" / "alerts.toml").write_bytes(shipped.read_bytes())
    windows = export.lines(finals(1000, 2000, sid="call"), Display())
    (found / "out.jsonl").write_text("".join(windows))
    return found


@pytest.fixture
def servers(
    broker: KafkaServer,
    redis_server: EmbeddedRedis,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[KafkaServer]:
    """The environment and the working directory of a user whose settings name a broker and a Redis.

    Redis is empty, and the audit log new: a page may withdraw a consent for good.
    """
    with Redis.from_url(redis_server.url) as client:
        client.flushdb()
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    ports = [str(free_port()) for _ in range(4)]
    names = ("GATEWAY__PORT", "GATEWAY__AUDIOSOCKET_PORT", "ALERTS__HEALTH_PORT", "API__PORT")
    for name, value in zip(names, ports, strict=True):
        monkeypatch.setenv(f"AFFECT_{name}", value)
    monkeypatch.setenv("AFFECT_KAFKA__BOOTSTRAP", broker.bootstrap)
    monkeypatch.setenv("AFFECT_REDIS__URL", redis_server.url)
    monkeypatch.setenv("AFFECT_DATA", str(folder / "no-corpora"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(folder)
    yield broker


def stored(*sessions: str, purged: bool = False) -> None:
    """Write a few windows of sessions to Redis, or delete what is there of them."""

    async def write() -> None:
        async with FusedStore(RedisSettings(url=os.environ["AFFECT_REDIS__URL"])) as store:
            for session in sessions:
                await (store.purge(session) if purged else store.write(finals(1000, 2000, sid=session)))

    asyncio.run(write())


def run(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command in this process; returns its exit code and what it printed on standard error."""
    capsys.readouterr()
    code: object = 0
    try:
        cli.main(shlex.split(line)[1:])
    except SystemExit as end:
        code = end.code or 0
    assert isinstance(code, int)
    return code, capsys.readouterr().err


@contextmanager
def running(line: str) -> Iterator[None]:
    """Run a process until the context ends; it has to listen, and to end well by an interrupt."""
    program, *words = shlex.split(line)
    there = Path(sys.executable).parent / program
    process = subprocess.Popen(
        [str(there), *words], stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent
    )
    try:
        deadline = time.monotonic() + READY_S
        while not listens(port(line)):
            assert process.poll() is None, line + process.communicate()[1]
            assert time.monotonic() < deadline, line
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, line + said
    assert "Traceback" not in said


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs(
    page: str, servers: KafkaServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("affectstream topics create", capsys)[0] == 0
    with ExitStack() as processes:
        for line, exported in typed(page):
            with monkeypatch.context() as own:
                for name, value in exported.items():
                    own.setenv(name, value)
                perform(line, processes, servers, capsys)


def typed(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the commands of a page, each once, with what was exported for it just before."""
    exported: dict[str, str] = {}
    done: list[tuple[str, dict[str, str]]] = []
    for line in [as_meant(printed) for own, printed in commands(*PROGRAMS) if own == page]:
        if line.startswith("export "):
            name, value = line.removeprefix("export ").split("=", 1)
            exported[name] = value
            if value.startswith("secrets/"):
                Path(value).write_text(SECRET)
        elif (line, exported) not in done:
            done.append((line, exported))
            yield done[-1]
            exported = {}


def perform(
    line: str, processes: ExitStack, servers: KafkaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run a command as its kind is run."""
    if beginning(line, NOT_RUN) or is_mention(line) or (beginning(line, ONCE) and servers.creates):
        return
    if line.startswith(PROCESSES):
        processes.close()  # it listens where they do
        with running(line):
            return
    gateway = "affectstream gateway"
    if line.startswith("affectstream simulate") and not listens(port(gateway)):
        processes.enter_context(running(gateway))
    check(line, capsys)


def port(line: str) -> int:
    """Return where a process is to listen."""
    names = {"gateway": "GATEWAY__PORT", "worker": "ALERTS__HEALTH_PORT", "-m": "API__PORT"}
    return int(os.environ[f"AFFECT_{names[shlex.split(line)[1]]}"])


def check(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command that ends by itself, and see that it does what it should."""
    if line.startswith(LAB):
        assert subprocess.run([sys.executable, *shlex.split(line)[1:3], "--help"]).returncode == 0
        return
    stored("call-7", "contact-1", purged="replay" in line)
    code, said = run(line, capsys)
    assert "Traceback" not in said
    assert code == (2 if beginning(line, REFUSED) else 0), f"{line}\n{said}"
    if code:
        assert len(said.strip()) > 20, line


def test_what_is_not_run_is_still_printed_somewhere() -> None:
    printed = [line for _, line in commands(*PROGRAMS)]
    for table in (NOT_RUN, REFUSED):
        for each in table:
            assert any(beginning(line, [each]) for line in printed), f"{each} is printed nowhere any more"
