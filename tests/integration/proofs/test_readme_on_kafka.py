"""Proof: the README's commands for a running system, as printed, on a real Kafka with its own settings.

The topics are made by `topics create`, where the broker makes none by itself and where it would.
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.kafka_server import JARS, KafkaServer
from support.paths import ROOT
from support.syllables import write
from support.system import running

from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import as_env, load
from affectstream.schemas.topics import PARTITIONS

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(900)]

README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
BEGIN, END = LINES.index("affectstream up &") + 1, LINES.index("affectstream purge call-7") + 1
OPERATOR = ["affectstream doctor", "affectstream config", "affectstream topics list", "affectstream licences"]
SHOWN_S = 120


@pytest.mark.parametrize("auto_create", [False, True], ids=["auto-creation off", "broker's default"])
def test_the_readme_runs_on_kafka(auto_create: bool, tmp_path: Path, redis_server: EmbeddedRedis) -> None:
    if not (JARS / ".complete").is_file():
        pytest.skip("no Kafka in .cache/kafka; `make kafka` fetches it")
    server = KafkaServer(tmp_path, auto_create=auto_create)
    server.start()
    settings = load(
        kafka={"bootstrap": server.bootstrap},
        redis={"url": f"{redis_server.url.removesuffix('/0')}/{2 + auto_create}"},
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **as_env(settings), "PATH": path, "COLUMNS": "200"}
    write(tmp_path / "call.mp4", 6.0)  # what is in a file counts, and not its name

    def run(line: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    try:
        for line in [*OPERATOR, "affectstream topics create", *OPERATOR]:
            assert run(line).returncode == 0, line
        assert {row.partitions for row in asyncio.run(topics.listing(settings.kafka))} == {PARTITIONS}
        with running(settings, 1, tmp_path / "logs"):
            for line in LINES[BEGIN:END]:
                deadline_s = time.monotonic() + (SHOWN_S if "call-7" in line and "replay" not in line else 0)
                while (done := run(line)).returncode and time.monotonic() < deadline_s:
                    time.sleep(0.5)
                assert done.returncode == 0, line + done.stdout + done.stderr
    finally:
        server.kill()
