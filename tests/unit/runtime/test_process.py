"""The life of a process: signals, exit codes, log lines, health and metrics."""

import asyncio
import json
import signal
import socket
import subprocess
import sys

import aiohttp
import pytest
from prometheus_client import REGISTRY

from affectstream.runtime import metrics
from affectstream.runtime.health import Health
from affectstream.runtime.process import free_port
from affectstream.schemas.errors import Unavailable

GOOD = """
import asyncio, sys
from affectstream.runtime.process import run
from affectstream.schemas.errors import Unavailable

async def main(stop):
    print("ready", flush=True)
    await stop.wait()
    print("flushed", flush=True)

run(main, worker="video")
"""
STUCK = GOOD.replace('print("flushed", flush=True)', 'print("stopping", flush=True); await asyncio.sleep(60)')
REFUSED = GOOD.replace("await stop.wait()", 'raise Unavailable("no broker at b:1; start one")')
CRASHED = GOOD.replace("await stop.wait()", '{}["key"]')


def start(code: str, **env: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "", "AFFECT_LOG__FORMAT": "json", **env},
    )


def wait_for(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{line}\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_work_end_cleanly(number):
    process = start(GOOD)
    wait_for(process, "ready")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (out, process.returncode) == ("flushed\n", 0)
    line = json.loads(err)
    assert (line["event"], line["signal"], line["worker"]) == ("stopping", number.name, "video")


def test_a_second_signal_ends_the_process_at_once():
    process = start(STUCK)
    wait_for(process, "ready")
    process.send_signal(signal.SIGTERM)
    wait_for(process, "stopping")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM


def test_one_that_waits_for_ever_ends_by_itself_some_time_after_the_signal():
    limited = "import affectstream.runtime.process as life\nlife.LONGEST_STOP_S = 0.2\n"
    process = start(limited + STUCK)
    wait_for(process, "ready")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["stopping", "not_stopped"]


def test_a_port_that_was_handed_out_is_nobody_elses_and_is_listened_on_again_and_again():
    port = free_port()
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            pass
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))  # as a client does, or who asks for any port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_a_fault_that_a_user_can_mend_is_one_line_and_exit_code_2():
    _, err = (process := start(REFUSED)).communicate(timeout=30)
    assert (err, process.returncode) == ("error: no broker at b:1; start one\n", 2)


def test_a_wrong_setting_is_one_line_and_exit_code_2():
    _, err = (process := start(GOOD, AFFECT_LOG__LEVLE="info")).communicate(timeout=30)
    assert process.returncode == 2
    assert err == (
        "error: unknown setting AFFECT_LOG__LEVLE in the environment; did you mean AFFECT_LOG__LEVEL?\n"
    )


def test_a_crash_is_logged_with_its_trace_and_exit_code_1():
    _, err = (process := start(CRASHED)).communicate(timeout=30)
    line = json.loads(err)
    assert (process.returncode, line["event"], line["level"]) == (1, "crashed", "error")
    assert "KeyError" in line["exception"]


def test_the_kafka_clients_lines_are_held_back_since_they_hold_messages():
    code = """
import logging
from affectstream.runtime.log import configure
from affectstream.runtime.settings import LogSettings
configure(LogSettings(level="debug", format="json"))
logging.getLogger("aiokafka.producer.producer").debug("Sending value=%s", b"speech")
logging.getLogger("aiokafka").warning("node %s is gone", 1)
logging.getLogger("another").debug("seen")
"""
    _, err = start(code).communicate(timeout=30)
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["event"] for line in lines] == ["node 1 is gone", "seen"]


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_health_says_what_is_not_ready(unused_tcp_port):
    assigned: set[int] = set()

    async def never() -> bool:
        raise Unavailable("gone")

    checks = {"broker": lambda: bool(assigned), "redis": never}
    async with Health(unused_tcp_port, checks):
        assert await get(unused_tcp_port, "/livez") == (200, '{"alive": true}')
        assert await get(unused_tcp_port, "/readyz") == (503, '{"broker": false, "redis": false}')
        assigned.add(1)
        checks_now = await get(unused_tcp_port, "/readyz")
        assert checks_now == (503, '{"broker": true, "redis": false}')


async def test_health_is_ready_when_every_check_passes(unused_tcp_port):
    async def ping() -> bool:
        await asyncio.sleep(0)
        return True

    async with Health(unused_tcp_port, {"model": lambda: True, "redis": ping}):
        assert (await get(unused_tcp_port, "/readyz"))[0] == 200
        status, text = await get(unused_tcp_port, "/metrics")
    assert status == 200
    assert "affect_build_info{" in text


async def test_a_taken_health_port_is_said_plainly(unused_tcp_port):
    async with Health(unused_tcp_port, {}):
        with pytest.raises(Unavailable, match=f"health_port {unused_tcp_port}"):
            async with Health(unused_tcp_port, {}):
                pass


async def test_without_a_port_nothing_listens():
    async with Health(0, {}):
        pass


def test_every_metric_is_ours_by_name_and_no_label_names_a_person():
    ours = [m for m in vars(metrics).values() if hasattr(m, "_labelnames")]
    assert len(ours) > 15
    for metric in ours:
        assert metric._name.startswith("affect_")
        known = {
            "modality",
            "state",
            "topic",
            "reason",
            "group",
            "pane",
            "outcome",
            "rule",
            "kind",
            "protocol",
            "route",
            "status",
        }
        assert set(metric._labelnames) <= known
    registered = {family.name for family in REGISTRY.collect() if family.name.startswith("affect_")}
    assert registered >= {metric._name for metric in ours}
