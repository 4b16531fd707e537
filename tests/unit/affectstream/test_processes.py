"""Processes that live and die together: readiness, crashes with their last words, and no orphans."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from affectstream.processes import Child, Children
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.schemas.errors import Unavailable

SERVER = """
import http.server, os
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""
CRASH = "raise SystemExit('the reason why')"
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str, str], Child]:
    def make(name: str, source: str) -> Child:
        (tmp_path / f"{name}_child.py").write_text(source)
        port = free_port() if "PORT" in source else 0
        return Child(name, f"{name}_child", {"PYTHONPATH": str(tmp_path), "PORT": str(port)}, port)

    return make


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_children_become_ready_and_stop_with_the_group(module: Callable, tmp_path: Path) -> None:
    with Children([module("server", SERVER)], tmp_path / "logs") as group:
        group.wait_ready(20)
        process = group.children["server"].process
        assert process is not None
        group.check()
    assert process.returncode == -signal.SIGTERM


def test_a_crash_is_told_with_the_last_words(module: Callable, tmp_path: Path) -> None:
    with (
        Children([module("broken", CRASH)], tmp_path / "logs") as group,
        pytest.raises(Unavailable, match=r"broken ended with exit code 1.*\nthe reason why"),
    ):
        until(lambda: bool(group.children["broken"].process.poll()))
        group.wait_ready(20)


def test_a_killed_child_can_be_started_again(module: Callable, tmp_path: Path) -> None:
    with Children([module("server", SERVER)], tmp_path / "logs") as group:
        group.wait_ready(20)
        group.kill("server")
        assert not group.ready("server")
        group.start("server")
        group.wait_ready(20)


def test_one_that_is_never_ready_is_named(module: Callable, tmp_path: Path) -> None:
    child = module("deaf", DEAF)
    child.port = free_port()
    with Children([child], tmp_path / "logs") as group:
        with pytest.raises(Unavailable, match=r"not ready after 0 s: deaf; logs in"):
            group.wait_ready(0.0)
        group.kill("deaf")


def test_one_that_ignores_the_request_to_stop_is_killed(
    module: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("affectstream.processes.STOP_S", 0.2)
    with Children([module("deaf", DEAF)], tmp_path / "logs") as group:
        until(lambda: "deaf" in group.last_words("deaf"))
        process = group.children["deaf"].process
    assert process.returncode == -signal.SIGKILL
    assert not alive(process.pid)


COUNTED = """
import os, pathlib, sys
runs = pathlib.Path(__file__).with_suffix(".runs")
runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
"""


PARENT = """
import pathlib, sys, time
from affectstream.processes import Child, Children
logs = pathlib.Path(sys.argv[1])
with Children([Child("server", "server_child", {"PYTHONPATH": str(logs), "PORT": "0"})], logs) as group:
    print(group.children["server"].process.pid, flush=True)
    time.sleep(60)
"""


def test_a_parent_that_is_killed_leaves_nobody_behind(module: Callable, tmp_path: Path) -> None:
    module("server", SERVER)
    command = [sys.executable, "-c", PARENT, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not alive(child))


def test_what_crashed_is_started_again_a_few_times_only(module: Callable, tmp_path: Path) -> None:
    with Children([module("crashing", f"{COUNTED}sys.exit(75)")], tmp_path / "logs") as group:
        codes: list[dict[str, int]] = []

        def gave_up() -> bool:
            try:
                codes.append(group.restart_crashed())
            except Unavailable as error:
                return "crashing ended with exit code 75" in str(error)
            return False

        until(gave_up)
    assert [code for code in codes if code] == [{"crashing": 75}] * 5
    assert (tmp_path / "crashing_child.runs").read_text() == "x" * 6


def test_one_that_ends_again_at_once_is_still_within_its_restarts(
    module: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Children([module("crashing", "raise SystemExit(75)")], tmp_path / "logs") as group:
        child, start = group.children["crashing"], group.start
        monkeypatch.setattr(group, "start", lambda name: (start(name), child.process.wait()))
        child.process.wait()
        assert group.restart_crashed() == {"crashing": 75}


def test_what_a_user_has_to_mend_is_not_started_again(module: Callable, tmp_path: Path) -> None:
    with Children([module("refused", f"{COUNTED}sys.exit(2)")], tmp_path / "logs") as group:
        until(lambda: group.children["refused"].process.poll() is not None)
        with pytest.raises(Unavailable, match="refused ended with exit code 2"):
            group.restart_crashed()
    assert (tmp_path / "refused_child.runs").read_text() == "x"
