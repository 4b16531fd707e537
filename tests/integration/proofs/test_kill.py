"""Proof: kill -9 of any process at any moment, and the finals in Redis are those of an undisturbed run."""

import random
import time
from collections.abc import Callable

import pytest
from support.system import System, analysed, lines, short_demo, without_holes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

SECONDS = 40
SPEED = 2.0


def killing(system: System, names: list[str], dice: random.Random) -> Callable[[], None]:
    """Kill the named processes one after the other at random moments of the replay, and start them again."""

    def meanwhile() -> None:
        for name in names:
            time.sleep(dice.uniform(0.5, SECONDS / SPEED / len(names)))
            system.children.kill(name)
            system.children.start(name)

    return meanwhile


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_process_killed_in_the_middle_of_a_replay(start: Callable, seed: int) -> None:
    dice = random.Random(seed)
    with start(1) as system:
        names = ["video", "audio", "text", "fusion"]
        dice.shuffle(names)
        stream = short_demo(f"killed-{seed}", SECONDS)
        survived = await system.run(stream, SPEED, killing(system, names, dice))
        assert lines(survived) == lines(analysed(stream, system.settings))
        assert without_holes(survived)


async def test_the_fusion_killed_again_and_again(start: Callable) -> None:
    with start(1) as system:
        stream = short_demo("killed-fusion", SECONDS)
        survived = await system.run(stream, SPEED, killing(system, ["fusion"] * 4, random.Random(3)))
        assert lines(survived) == lines(analysed(stream, system.settings))


async def test_all_processes_killed_at_once(start: Callable) -> None:
    with start(1) as system:
        stream = short_demo("killed-all", SECONDS)

        def meanwhile() -> None:
            time.sleep(5)
            for name in system.children.children:
                system.children.kill(name)
            for name in system.children.children:
                system.children.start(name)

        survived = await system.run(stream, SPEED, meanwhile)
        assert lines(survived) == lines(analysed(stream, system.settings))
