"""Proof: processes killed at random, added and removed, stopped, with a wrong clock."""

import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.faulty import Faulty
from support.kafka_server import wait_until
from support.shifted_clock import ShiftedClock

from affectstream.processes import Child
from affectstream.runtime.process import free_port

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(1200)]

CHAOS_S, STOPPED_S, HOUR_S = 130, 20, 3600
READY_S = 120


async def test_processes_are_killed_at_random_for_two_minutes(faulty: Faulty):
    dice, children = random.Random(5), faulty.system.children

    def fault() -> None:
        until_s = time.monotonic() + CHAOS_S
        while time.monotonic() < until_s:
            time.sleep(dice.uniform(1, 8))
            children.kill(dice.choice(sorted(children.children)))

    await faulty.survive("killed-at-random", fault, seconds=58, speed=0.5)


async def test_processes_come_and_go_while_a_call_is_played(faulty: Faulty):
    """Each arrival and departure is a rebalance of a group under load."""
    children = faulty.system.children
    more = [another(children.children[name]) for name in ("text", "audio", "fusion")]

    def fault() -> None:
        for child in more:
            children.children[child.name] = child
            children.start(child.name)
        wait_until(lambda: all(children.ready(child.name) for child in more), READY_S, "all to be ready")
        for child in more:
            del children.children[child.name]
            assert child.process is not None
            child.process.terminate()
            assert child.process.wait(READY_S) == 0
            time.sleep(2)

    await faulty.survive("rebalanced", fault, seconds=30, speed=0.5)


def another(child: Child) -> Child:
    """Return one more process of the kind of ``child``."""
    name, port = f"{child.name}-more", free_port()
    ports = {key: str(port) for key in child.env if key.endswith("HEALTH_PORT")}
    env = {**child.env, **ports, "AFFECT_KAFKA__INSTANCE_ID": name}
    return replace(child, name=name, env=env, port=port, process=None)


async def test_a_modality_stands_still_beyond_its_session_and_goes_on(faulty: Faulty):
    """Its input has lag meanwhile, so that no window is written without it."""

    def fault() -> None:
        time.sleep(2)
        process = faulty.system.children.children["audio"].process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        process.send_signal(signal.SIGCONT)

    await faulty.survive("stalled", fault)


async def test_the_clocks_of_all_processes_jump_by_an_hour_back_and_forth(faulty: Faulty, tmp_path: Path):
    if not shutil.which("cc"):
        pytest.skip("no C compiler for the clock")
    clock, children = ShiftedClock(tmp_path / "clock"), faulty.system.children
    under_it(faulty, clock.env)
    try:
        wait_until(lambda: all(map(children.ready, children.children)), READY_S, "all to be ready")

        def fault() -> None:
            for hours in (1, -1, 1, -1, 0):
                time.sleep(1.5)
                clock.shift(hours * HOUR_S)
                if hours == -1:
                    assert abs(clock.error_s() + HOUR_S) < 60

        await faulty.survive("clock-jumps", fault)
    finally:
        under_it(faulty, dict.fromkeys(clock.env, ""))


def under_it(faulty: Faulty, env: dict[str, str]) -> None:
    """Have all processes start again, with this in their environment."""
    for name, child in faulty.system.children.children.items():
        child.env = {**child.env, **env}
        faulty.system.children.kill(name)
