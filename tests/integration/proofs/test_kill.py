"""Proof: kill -9 of any process at any moment, and the finals in Redis are those of an undisturbed run."""

import random
import time
from collections.abc import Callable, Sequence

import pytest
from support.system import System, expected_lines, lines, short_demo, without_holes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

SECONDS = 40
SPEED = 2.0
ALL = ["video", "audio", "text", "fusion"]


async def survive(
    system: System,
    name: str,
    meanwhile: Callable[[], None],
    seconds: int = SECONDS,
    speed: float = SPEED,
) -> None:
    """Replay the demo call while processes are killed; the finals are those of an undisturbed run."""
    survived = await system.run(short_demo(name, seconds), speed, meanwhile)
    assert lines(survived) == expected_lines(name, seconds)
    assert without_holes(survived)


def killing(system: System, names: Sequence[str], seed: int, within_s: float) -> Callable[[], None]:
    """Kill the named processes one after the other at random moments, and start them again."""
    dice = random.Random(seed)

    def meanwhile() -> None:
        for name in names:
            time.sleep(dice.uniform(0.2, within_s / len(names)))
            system.children.kill(name)
            system.children.start(name)

    return meanwhile


def shuffled(seed: int) -> list[str]:
    """All processes in a random order."""
    return random.Random(seed).sample(ALL, len(ALL))


async def test_every_process_killed_once(system: System) -> None:
    await survive(system, "killed-once", killing(system, shuffled(1), 1, within_s=5), seconds=20, speed=4)


@pytest.mark.proof
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_process_killed_in_the_middle_of_a_replay(start: Callable, seed: int) -> None:
    with start(1) as system:
        await survive(system, f"killed-{seed}", killing(system, shuffled(seed), seed, SECONDS / SPEED))


@pytest.mark.proof
async def test_the_fusion_killed_again_and_again(system: System) -> None:
    await survive(system, "killed-fusion", killing(system, ["fusion"] * 4, 3, SECONDS / SPEED))


@pytest.mark.proof
async def test_all_processes_killed_at_once(system: System) -> None:
    def meanwhile() -> None:
        time.sleep(5)
        for name in system.children.children:
            system.children.kill(name)
        for name in system.children.children:
            system.children.start(name)

    await survive(system, "killed-all", meanwhile)
