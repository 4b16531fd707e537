"""Proof: a session that is recorded and replayed gives its bytes again, from its media or its results."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.recorder import Process
from support.system import System, lines, short_demo

from affectstream.producers.playback import Player
from affectstream.publish import published
from affectstream.replay_recorded import Often, Span, Wanted, plays, recordings
from affectstream.rescore import scored
from affectstream.runtime.recording import open_recording
from affectstream.runtime.settings import Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import FusedEmotion
from affectstream.session_file import SessionArguments
from affectstream.workers import recorder
from affectstream.workers.recorded import Scope

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

DEADLINE_S = 240


def keeping(settings: Settings, folder: Path) -> Settings:
    """The settings of a system with a folder of recordings."""
    kept = {"recordings": folder / "kept", "audit_log": folder / "audit.jsonl"}
    return settings.model_copy(update={"policy": settings.policy.model_copy(update=kept)})


def finals_in(path: Path) -> list[FusedEmotion]:
    """What is final in a recording, whether or not it is whole."""
    try:
        return open_recording(path).finals()
    except InputError:
        return []


async def until(true: Callable[[], bool], complaint: Callable[[], str]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, complaint()
        await asyncio.sleep(0.2)


async def recorded(system: System, settings: Settings, name: str, seconds: int) -> tuple[Path, list[str]]:
    """Stream the beginning of the demo call while it is recorded; returns the file and the finals' lines."""
    stop = asyncio.Event()
    scope = Scope(sessions=frozenset({name}))
    recording = asyncio.create_task(recorder.serve(settings, scope, stop))
    streamed = await system.run(short_demo(name, seconds), None)
    assert settings.policy.recordings
    path = settings.policy.recordings / f"{name}.mcap"
    part = path.with_name(path.name + ".part")
    await until(lambda: len(finals_in(part)) >= len(streamed), system.complaint)
    stop.set()
    await recording
    return path, lines(streamed)


async def replayed(
    system: System, settings: Settings, path: Path, name: str, speed: float | None, results: bool = False
) -> list[str]:
    """Replay a recording under another id; returns the finals' lines."""
    given = recordings(SessionArguments([path], session=name), settings, results)
    wanted = Wanted(Span(), Often(), None, snap=False)
    (own,) = await plays(given, wanted, settings, "refuse", None)
    stream = Player(own, settings.fusion.window_ms).messages()
    sent = await published(stream, settings.kafka, speed)
    assert sent.records
    count = len(finals_in(path))
    async with FusedStore(settings.redis) as store:
        found: Sequence[FusedEmotion] = ()
        deadline = time.monotonic() + DEADLINE_S
        while len(found) < count:
            assert time.monotonic() < deadline, system.complaint()
            await asyncio.sleep(0.2)
            session = await store.session(name)
            found = [w for p in (session.parties if session else ()) for w in await store.finals(name, p)]
    return lines(found)


def renamed(expected: Sequence[str], before: str, after: str) -> list[str]:
    return [line.replace(f'"{before}"', f'"{after}"') for line in expected]


async def test_a_recording_replays_to_its_bytes_at_any_speed(system: System, tmp_path: Path) -> None:
    settings = keeping(system.settings, tmp_path)
    path, expected = await recorded(system, settings, "taped", 8)
    found = open_recording(path)
    assert found.whole
    assert lines(found.finals()) == expected
    assert lines(scored(found, settings, frozenset())) == expected
    for name, speed, results in (
        ("taped-fast", None, False),
        ("taped-4", 4.0, False),
        ("taped-results", None, True),
    ):
        assert await replayed(system, settings, path, name, speed, results) == renamed(
            expected, "taped", name
        )


@pytest.mark.proof
async def test_real_time_and_a_tenth_of_it_give_the_same_bytes(system: System, tmp_path: Path) -> None:
    settings = keeping(system.settings, tmp_path)
    path, expected = await recorded(system, settings, "slow", 5)
    assert lines(scored(open_recording(path), settings, frozenset({"video", "audio", "text"}))) == expected
    for name, speed in (("slow-tenth", 0.1), ("slow-real", 1.0), ("slow-ten", 10.0)):
        assert await replayed(system, settings, path, name, speed) == renamed(expected, "slow", name)


@pytest.mark.proof
async def test_a_recorder_that_is_killed_loses_nothing(system: System, tmp_path: Path) -> None:
    """The second half of the call is sent once the first recorder is dead, however fast it was."""
    settings = keeping(system.settings, tmp_path)
    assert settings.policy.recordings
    path = settings.policy.recordings / "killed.mcap"
    part = path.with_name(path.name + ".part")
    sent = short_demo("killed", 20)
    half = len(sent) // 2
    with Process(settings, tmp_path / "first.log"):
        await system.play(sent[:half], None)
        await until(lambda: bool(finals_in(part)), system.complaint)
    with Process(settings, tmp_path / "second.log") as second:
        streamed = await system.run(sent[half:], 4.0)
        await second.until_ready()
        await until(lambda: len(finals_in(part)) >= len(streamed), system.complaint)
        assert await second.stopped() == 0
    assert lines(finals_in(path)) == lines(streamed)
    assert await replayed(system, settings, path, "killed-again", None) == renamed(
        lines(streamed), "killed", "killed-again"
    )
