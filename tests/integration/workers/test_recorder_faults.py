"""Recorders that fail, as processes on a real Kafka: a full disk, one of two that dies or stands still."""

import asyncio
import os
import signal
import sys
import time

import pytest
from support.disks import small_disk
from support.recorder import DEADLINE_S, Process, call, keeping, kept, recording, send, stored, until

from affectstream.runtime.audit import audit_log
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.kafka.lag import LagMeter
from affectstream.runtime.process import RESTART, die_with_parent
from affectstream.runtime.recording import open_recording
from affectstream.runtime.settings import as_env
from affectstream.schemas.topics import RECORD_GROUP
from affectstream.workers import recorder
from affectstream.workers.recorded import Scope
from affectstream.workers.recorded_files import LEFT_S

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

NAMES = [f"call-{n}" for n in range(12)]
SECONDS = 8


@pytest.fixture
def settings(broker_settings, tmp_path):
    return keeping(broker_settings, tmp_path)


async def stream(settings, sent, first=0, last=SECONDS):
    """Send seconds of all calls, side by side."""
    for second in range(first, last):
        for name in NAMES:
            made = call(name, second, second + 1, end=second == SECONDS - 1)
            sent.setdefault(name, []).extend(await send(settings, made))


def complete(folder, sent):
    """Say whether every call is recorded with all that was sent of it, and once."""
    return all(kept(folder, name) == sorted(sent[name]) for name in NAMES)


async def committed(settings):
    """Wait until the recorders have committed all that there is."""
    deadline = time.monotonic() + DEADLINE_S
    async with LagMeter(settings.kafka) as meter:
        while any([sum((await meter.lag(name, RECORD_GROUP)).values()) for name in Scope().topics()]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_recorder_whose_disk_is_full_waits_says_so_and_goes_on_when_there_is_room(settings, tmp_path):
    folder = settings.policy.recordings
    with small_disk(folder, 256) as disk, Process(settings, tmp_path / "log") as process:
        first = await send(settings, call("call-7", 0, 4, end=False))
        await until(lambda: stored(folder / "call-7.mcap.part") == sorted(first))
        await process.until_ready()
        disk.fill()
        rest = await send(settings, [*call("call-7", 4, 12), *call("call-8")])
        await process.until_ready(room=False)
        assert "affect_recordings_disk_full 1.0" in await process.metrics()
        assert "disk_full" in process.log.read_text()
        assert set(stored(folder / "call-7.mcap.part")) >= set(first)  # readable to the last whole chunk
        disk.clear()
        await process.until_ready()
        await until(lambda: sorted(kept(folder, "call-7") + kept(folder, "call-8")) == sorted(first + rest))
        assert "affect_recordings_disk_full 0.0" in await process.metrics()
        assert "disk_has_room" in process.log.read_text()
        assert await process.stopped() == 0
        assert all(open_recording(folder / f"{name}.mcap").whole for name in ("call-7", "call-8"))
    assert "Traceback" not in process.log.read_text()


async def test_a_recorder_that_is_stopped_while_its_disk_is_full_says_what_to_do(settings, tmp_path):
    folder = settings.policy.recordings
    with small_disk(folder, 256) as disk:
        sent = await send(settings, call("call-7", 0, 12))
        disk.fill()
        with Process(settings, tmp_path / "log") as process:
            await process.until_ready(room=False)
            assert await process.stopped() == 2
            assert (
                process.log.read_text().splitlines()[-1].startswith(f"error: recording to {folder}: No space")
            )
        disk.clear()
        async with recording(settings):
            await until(lambda: kept(folder, "call-7") == sorted(sent))


async def test_a_recorder_that_may_not_write_ends_in_one_line_and_the_next_records_all_of_it(
    settings, tmp_path
):
    folder = settings.policy.recordings
    sent = await send(settings, call("call-7", 0, 40))
    with Process(settings, tmp_path / "log", "prlimit", "--fsize=2048") as process:
        assert await process.ended() == 2
        last = process.log.read_text().splitlines()[-1]
        assert last.startswith(f"error: recording to {folder}: File too large")
    with Process(settings, tmp_path / "log") as process:
        await until(lambda: kept(folder, "call-7") == sorted(sent))
        await process.until_ready()
        assert "affect_recordings_open 1.0" in await process.metrics()
        assert await process.stopped() == 0


async def test_a_withdrawal_deletes_files_on_a_full_disk_and_what_it_frees_is_written_to(settings, tmp_path):
    folder = settings.policy.recordings
    with small_disk(folder, 256) as disk, Process(settings, tmp_path / "log") as process:
        await send(settings, call("call-7", 0, 60))
        await until(lambda: len(kept(folder, "call-7")) == 181)
        disk.fill()
        sent = await send(settings, call("call-8", 0, 12))
        await process.until_ready(room=False)
        async with ConsentStore(
            settings.redis, settings.policy.model_copy(update={"recordings": None})
        ) as store:
            await store.set("call-7", "withdrawn", "tests")
        await until(lambda: kept(folder, "call-8") == sorted(sent))
        assert not list(folder.glob("call-7*"))
        assert await process.stopped() == 0
    noted = [(entry.did, entry.session) for entry in audit_log(settings.policy).entries()]
    assert noted.count(("recording removed", "call-7")) == 1


async def test_a_recorder_joins_while_the_disk_is_full_and_each_session_is_recorded_once(settings, tmp_path):
    folder, sent = settings.policy.recordings, {}
    with small_disk(folder, 512) as disk, Process(settings, tmp_path / "first.log") as first:
        await stream(settings, sent, 0, 2)
        await until(lambda: complete(folder, sent))
        disk.fill()
        await stream(settings, sent, 2, 6)
        await first.until_ready(room=False)
        with Process(settings, tmp_path / "second.log") as second:
            await second.until_ready(room=False)
            disk.resize(4096)
            await stream(settings, sent, 6)
            await until(lambda: complete(folder, sent))
            assert [await each.stopped() for each in (first, second)] == [0, 0]
        assert sorted(path.name for path in folder.glob("call-*")) == sorted(f"{name}.mcap" for name in NAMES)
        assert complete(folder, sent)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "stands still"])
async def test_one_of_two_recorders_fails_in_the_middle_and_each_session_is_recorded_once(
    settings, tmp_path, number
):
    """The one that stands still believes to hold its partitions when it goes on, and files half written."""
    folder, sent = settings.policy.recordings, {}
    quick = settings.kafka.model_copy(update={"session_timeout_ms": 6000})
    ours = settings.model_copy(update={"kafka": quick})
    with Process(ours, tmp_path / "first.log") as first, Process(ours, tmp_path / "second.log") as second:
        await asyncio.gather(first.until_ready(), second.until_ready())
        streaming = asyncio.create_task(stream(settings, sent))
        await until(lambda: len(sent.get(NAMES[-1], [])) > 6 and any(folder.glob("*.part")))
        first.popen.send_signal(number)
        await streaming
        await until(lambda: complete(folder, sent))
        first.popen.send_signal(signal.SIGCONT)
        with Process(ours, tmp_path / "third.log") as third:
            await third.until_ready()
            if number == signal.SIGSTOP:
                await first.until_ready()
                assert await first.stopped() == 0
            assert [await each.stopped() for each in (second, third)] == [0, 0]
    assert complete(folder, sent)
    begun = [each.session for each in audit_log(settings.policy).entries() if each.did == "recording begun"]
    assert sorted(begun) == sorted(NAMES)


async def test_a_file_whose_recorder_died_after_its_last_record_is_finished_by_the_next(
    settings, monkeypatch
):
    monkeypatch.setattr(recorder, "FLUSH_S", 0.2)
    folder = settings.policy.recordings
    sent = {name: await send(settings, call(name)) for name in ("call-7", "call-8")}
    async with recording(settings, crash=True) as task:
        await until(lambda: all(kept(folder, name) == sorted(sent[name]) for name in sent), task)
        await committed(settings)
    long_ago_s = time.time() - LEFT_S - 1
    os.utime(folder / "call-7.mcap.part", (long_ago_s, long_ago_s))
    async with recording(settings) as task:
        await until(lambda: (folder / "call-7.mcap").exists(), task)
    assert sorted(path.name for path in folder.iterdir()) == ["call-7.mcap", "call-8.mcap.part"]
    assert open_recording(folder / "call-7.mcap").whole
    assert stored(folder / "call-7.mcap") == sorted(sent["call-7"])


STUCK = """
import asyncio
from affectstream.runtime.kafka import Subscriber
from affectstream.runtime.process import run
from affectstream.runtime.settings import load
from affectstream.workers.recorded import Scope
from affectstream.workers.recorder import serve

read = Subscriber._accept

def without_sound(self, found):
    return read(self, {tp: batch for tp, batch in found.items() if not tp.topic.endswith("audio.chunks")})

Subscriber._accept = without_sound
run(lambda stop: serve(load(), Scope(), stop), process="recorder")
"""


async def test_a_recorder_that_reads_one_topic_no_more_ends_to_be_restarted(settings):
    """The others go on: each topic has leaders, and connections, of its own."""
    await send(settings, call("call-7"))
    kafka = settings.kafka.model_copy(update={"stuck_s": 3})
    env = {**os.environ, **as_env(settings.model_copy(update={"kafka": kafka}))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STUCK, env=env, stderr=asyncio.subprocess.PIPE, preexec_fn=die_with_parent
    )
    async with asyncio.timeout(DEADLINE_S):
        _, errors = await process.communicate()
    assert process.returncode == RESTART, errors.decode()
    assert b"consumer_stuck" in errors and b"affect.audio.chunks" in errors.splitlines()[-1]
