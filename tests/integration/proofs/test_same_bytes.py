"""Proof: the stream gives the bytes of the run without a broker, at any speed, with several workers."""

import random
from collections.abc import Callable

import pytest
from support.system import analysed, lines, short_demo, without_holes

from affectstream.analyze import observed
from affectstream.runtime.settings import load
from affectstream.schemas.messages import FusedEmotion, Observation
from affectstream.session_file import permitting
from affectstream.workers.fusion.engines import engines

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


async def test_at_real_time_tenfold_and_full_speed_with_two_workers_per_modality(start: Callable) -> None:
    with start(2) as system:
        for name, seconds, speed in (("once", 12, 1.0), ("tenfold", 60, 10.0), ("full", 60, None)):
            stream = short_demo(f"same-{name}", seconds)
            streamed = await system.run(stream, speed)
            assert lines(streamed) == lines(analysed(stream, system.settings)), name
            assert without_holes(streamed)


def fused(items: list[Observation]) -> list[str]:
    join = engines(load().fusion)()
    return lines(
        w for item in items for w in join.push(item) if isinstance(w, FusedEmotion) and w.pane == "final"
    )


def interleaved(items: list[Observation], dice: random.Random) -> list[Observation]:
    """Deal the streams of parties and modalities at random, each in its own order, some items twice."""
    piles: dict[tuple[str, str], list[Observation]] = {}
    for item in items:
        piles.setdefault((item.party, item.modality), []).append(item)
    dealt: list[Observation] = []
    while piles:
        key = dice.choice(sorted(piles))
        dealt.append(piles[key].pop(0))
        if dice.random() < 0.1:
            dealt.append(dice.choice(dealt))
        if not piles[key]:
            del piles[key]
    return dealt


def test_any_interleaving_and_any_duplicates_give_the_same_bytes() -> None:
    settings = permitting(load(), "synthetic")
    items = list(observed(short_demo("shuffled", 30), settings))
    expected = fused(items)
    assert len(expected) == 60
    for seed in range(20):
        assert fused(interleaved(items, random.Random(seed))) == expected, seed
