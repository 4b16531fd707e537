"""Proof: the stream gives the bytes of the run without a broker, at any speed, with several workers."""

from collections.abc import Callable

import pytest
from support.system import System, expected_lines, lines, short_demo, without_holes

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


async def check(system: System, name: str, seconds: int, speed: float | None) -> None:
    """Replay the beginning of the demo call and compare what is in Redis with what `analyze` writes."""
    streamed = await system.run(short_demo(name, seconds), speed)
    assert lines(streamed) == expected_lines(name, seconds), name
    assert without_holes(streamed)


async def test_fourfold_and_full_speed_give_the_bytes_of_analyze(system: System) -> None:
    await check(system, "same-fourfold", 20, 4.0)
    await check(system, "same-full", 20, None)


@pytest.mark.proof
async def test_any_speed_with_two_workers_per_modality_gives_the_bytes_of_analyze(start: Callable) -> None:
    with start(2) as system:
        await check(system, "same-real-time", 12, 1.0)
        await check(system, "same-tenfold", 60, 10.0)
        await check(system, "same-full", 60, None)
