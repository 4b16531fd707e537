"""The access rules that the compose file gives Redis, on a real one: enough for each role and no more."""

import contextlib
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from support.paths import ROOT

from affectstream.runtime.embedded import redis_binary
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import FusedEmotion

pytestmark = pytest.mark.integration


PASSWORDS = {"WRITER_PASSWORD": "w-secret", "READER_PASSWORD": "r-secret"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server with the command of the compose file: this machine's binary, folder and port."""
    folder = tmp_path_factory.mktemp("guarded")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["redis"]
    script = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", service["command"][0]).replace("$$", "$")
    here = {"/tmp/users.acl": f"{folder}/users.acl", "--dir /data": f"--dir {folder} --port {port}"}
    for theirs, ours in (here | {"valkey-server": shlex.quote(redis_binary())}).items():
        script = script.replace(theirs, ours)
    process = subprocess.Popen([*service["entrypoint"], script], env=PASSWORDS, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not answered(port) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=20)


def answered(port: int) -> bytes:
    """Return what the server says to a PING of nobody's, nothing where there is no server."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(64)
    return b""


def store(url: str, role: str) -> FusedStore:
    password = PASSWORDS[f"{role.upper()}_PASSWORD"]
    return FusedStore(load(redis={"url": url, "username": role, "password": password}).redis)


async def test_the_writer_may_do_all_that_fusion_does(guarded: str, call: list[FusedEmotion]):
    async with store(guarded, "writer") as writer:
        await writer.write(call)
        assert await writer.position(call[0].session_id, "customer") == call[-1].end_ms
        await writer.set_trust({"video": 0.5})


async def test_the_reader_reads_and_may_not_write(guarded: str, call: list[FusedEmotion]):
    async with store(guarded, "writer") as writer:
        await writer.write(call)
    async with store(guarded, "reader") as reader:
        assert await reader.finals(call[0].session_id, "customer") == call
        with pytest.raises(Unavailable, match="permit"):
            await reader.set_trust({"video": 1.0})
        with pytest.raises(Unavailable, match="permit"):
            await reader.write(call[:1])


def test_an_unnamed_client_is_refused(guarded: str):
    assert answered(int(guarded.rpartition(":")[2].partition("/")[0])).startswith(b"-NOAUTH")


def test_the_api_serves_as_the_reader(guarded: str, running: Any, call: list[FusedEmotion]):
    settings = {
        "AFFECT_REDIS__URL": guarded,
        "AFFECT_REDIS__USERNAME": "reader",
        "AFFECT_REDIS__PASSWORD": PASSWORDS["READER_PASSWORD"],
    }
    with running(settings) as (url, _):
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert httpx.get(f"{url}/api/sessions").json()["sessions"]
        page = httpx.get(f"{url}/api/sessions/{call[0].session_id}/customer/timeline").json()
        assert len(page["windows"]) == len(call)
