"""The addresses of a running `affectstream up`: found while it lives, and only where nothing else is set."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from affectstream.runtime.process import die_with_parent
from affectstream.runtime.settings import load, local, running_here

SYSTEM = {
    "kafka": {"bootstrap": "127.0.0.1:4711", "embedded": True},
    "redis": {"url": "redis://127.0.0.1:4712/0"},
    "agent_purpose": None,
}
HOLDS = f"""
import sys, time
from affectstream.runtime.settings import local
with local.announced({SYSTEM!r}) as found:
    print(found, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[str]]:
    """Another process that has announced a system."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_without_a_system_the_addresses_are_the_defaults() -> None:
    assert running_here() == {}
    assert load().redis.url.endswith(":6379/0")


def test_a_running_system_is_found_and_a_killed_one_is_not(other_process: subprocess.Popen[str]) -> None:
    assert (load().kafka.bootstrap, load().kafka.embedded) == ("127.0.0.1:4711", True)
    assert load().redis.url == "redis://127.0.0.1:4712/0"
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    deadline = time.monotonic() + 10
    while running_here():
        assert time.monotonic() < deadline
    assert load().kafka.bootstrap == "127.0.0.1:9092"


@pytest.mark.parametrize(
    ("name", "address"),
    [("AFFECT_KAFKA__BOOTSTRAP", "127.0.0.1:9092"), ("affect_redis__url", "redis://127.0.0.1:6379/0")],
)
def test_an_address_in_the_environment_wins_over_all_of_the_system(
    name: str, address: str, other_process: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, address)
    assert running_here() == {}
    assert load().kafka.embedded is False


def test_an_address_in_the_file_or_the_arguments_wins(
    other_process: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert load(redis={"url": "redis://127.0.0.1:1/0"}).kafka.bootstrap == "127.0.0.1:9092"
    assert load(kafka={"topic_prefix": "mine."}).kafka.bootstrap == "127.0.0.1:4711"
    (tmp_path / "affectstream.toml").write_text('[redis]\nurl = "redis://127.0.0.1:2/0"\n')
    assert (load().kafka.bootstrap, load().redis.url) == ("127.0.0.1:9092", "redis://127.0.0.1:2/0")


def test_a_second_system_is_not_announced(other_process: subprocess.Popen[str]) -> None:
    with local.announced({**SYSTEM, "redis": {"url": "redis://127.0.0.1:3/0"}}) as found:
        assert not found
        assert load().redis.url == "redis://127.0.0.1:4712/0"


@pytest.mark.parametrize("written", ["", "{", "[]", '{"kafka": 1, "redis": {}}'])
def test_what_is_no_announcement_counts_for_nothing(written: str, tmp_path: Path) -> None:
    with local.announced(SYSTEM):
        (tmp_path / "affectstream" / local.NAME).write_text(written)
        assert local.running() is None


def test_a_folder_that_cannot_be_made_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    with local.announced(SYSTEM) as found:
        assert not found
    assert local.running() is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
