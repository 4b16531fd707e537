"""Proof: the disk of the recordings, or of the logs, fills up and has room again while a call is played."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.disks import Disk, small_disk
from support.faulty import SECONDS, Faulty, series
from support.kafka_server import wait_until
from support.recorder import Process
from support.system import expected_lines, lines

from affectstream.recordings import faults_of
from affectstream.rescore import scored
from affectstream.runtime.recording import open_recording
from affectstream.schemas.errors import InputError

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(900)]

WAITS_S, READY_S = 5, 120
ROOM_KIB = 16 * 1024  # the call takes 2.6 MB


async def test_the_disk_of_the_recordings_fills_up_and_has_room_again(faulty: Faulty, tmp_path: Path):
    name, folder = "disk-full", tmp_path / "kept"
    policy = {"recordings": folder, "audit_log": tmp_path / "audit.jsonl"}
    settings = faulty.system.settings
    settings = settings.model_copy(update={"policy": settings.policy.model_copy(update=policy)})
    part, path = folder / f"{name}.mcap.part", folder / f"{name}.mcap"
    with small_disk(folder, ROOM_KIB) as disk, Process(settings, tmp_path / "log") as recorder:
        wait_until(lambda: readiness(recorder.port).get("partitions", False), READY_S, "the recorder")

        def fault() -> None:
            wait_until(lambda: messages(part) > 0, READY_S, "the first chunk")
            disk.fill()
            wait_until(lambda: not readiness(recorder.port)["room"], READY_S, "the disk to be full")
            written = messages(part)  # readable to the last whole chunk
            assert series(recorder.port)["affect_recordings_disk_full"] == 1
            assert "disk_full" in recorder.log.read_text()
            time.sleep(WAITS_S)
            assert messages(part) == written
            children = faulty.system.children
            assert all(map(children.ready, children.children))
            disk.clear()

        await faulty.survive(name, fault)
        finals = expected_lines(name, SECONDS)
        wait_until(lambda: stored(part) == finals, READY_S, "all finals to be recorded")
        assert all(readiness(recorder.port).values())
        assert series(recorder.port)["affect_recordings_disk_full"] == 0
        assert await recorder.stopped() == 0
        assert list(faults_of(open_recording(path))) == []
        assert lines(scored(open_recording(path), settings, frozenset())) == finals


def readiness(port: int) -> dict[str, bool]:
    """Return what a process says of its readiness, by check; {} where it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            found: dict[str, bool] = json.load(answer)
    except urllib.error.HTTPError as error:
        found = json.load(error)
    except OSError:
        found = {}
    return found


def messages(part: Path) -> int:
    """Return how many messages can be read of a recording that is being written, or is still to begin."""
    try:
        return sum(stream.messages for stream in open_recording(part).streams)
    except InputError:
        return 0


def stored(part: Path) -> list[str]:
    try:
        return lines(open_recording(part).finals())
    except InputError:  # it is being taken up
        return []


async def test_the_disk_of_the_logs_fills_up_and_has_room_again(faulty: Faulty, tmp_path: Path):
    children, logs = faulty.system.children, faulty.system.children.logs
    with small_disk(tmp_path / "logs", 4096) as disk:
        children.logs = disk.folder
        try:
            disk.fill()

            def fault() -> None:
                for name in children.children:
                    time.sleep(1)
                    children.kill(name)

            await faulty.survive("logs-full", fault)
            assert not any(logs_of(disk))
            disk.clear()
            faulty.redis.kill()  # which every process that goes by consent says
            wait_until(lambda: all("consent_not_followed" in log for log in logs_of(disk)), READY_S, "lines")
            faulty.redis.start()
        finally:
            children.logs = logs
            restart(faulty)


def logs_of(disk: Disk) -> list[str]:
    """Return the logs of the processes that go by consent."""
    return [(disk.folder / f"{name}.log").read_text() for name in ("video", "audio", "text", "fusion")]


def restart(faulty: Faulty) -> None:
    """Have the supervisor start all processes again, and wait until they are ready."""
    children = faulty.system.children
    for name in children.children:
        children.kill(name)
    wait_until(lambda: all(map(children.ready, children.children)), READY_S, "all to be ready")
