"""The recorder on a real Kafka and Redis: nothing lost and nothing twice over restarts, consent at once."""

import asyncio

import pytest
from support.recorder import DEADLINE_S, call, keeping, kept, recording, send, stored, until

from affectstream.runtime import recordings
from affectstream.runtime.audit import audit_log
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.recording import open_recording
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.messages import Reason
from affectstream.schemas.topics import CHUNKS, FUSED, PROBABILITIES
from affectstream.workers import recorder
from affectstream.workers.recorded import Scope

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]


@pytest.fixture
def settings(broker_settings, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "FLUSH_S", 0.2)
    return keeping(broker_settings, tmp_path)


async def test_each_session_has_its_file_and_a_crash_loses_nothing_and_doubles_nothing(settings):
    folder = settings.policy.recordings
    first = await send(settings, call("call-7", 0, 2, end=False))
    other = await send(settings, call("call-8"))
    async with recording(settings, crash=True) as task:
        await until(lambda: stored(folder / "call-7.mcap.part") == sorted(first), task)
        await until(lambda: stored(folder / "call-8.mcap.part") == sorted(other), task)
    assert not (folder / "call-7.mcap").exists()
    later = await send(settings, call("call-7", 2, 4))
    async with recording(settings) as task:
        await until(lambda: stored(folder / "call-7.mcap.part") == sorted(first + later), task)
    files = {path.name.partition(".")[0]: path for path in folder.iterdir()}
    assert files["call-7"] == folder / "call-7.mcap"
    assert open_recording(files["call-7"]).whole
    assert stored(files["call-7"]) == sorted(first + later)
    assert stored(files["call-8"]) == sorted(other)
    assert len(files) == len(list(folder.iterdir())) == 2
    noted = [(entry.did, entry.session) for entry in audit_log(settings.policy).entries()]
    assert sorted(noted) == [("recording begun", "call-7"), ("recording begun", "call-8")]


async def test_a_withdrawal_deletes_the_files_at_once_and_pauses_and_refusals_are_not_kept(settings):
    folder = settings.policy.recordings
    async with ConsentStore(settings.redis, settings.policy) as consents:
        await send(settings, call("call-7", 0, 2, end=False))
        kept = await send(settings, call("call-8"))
        await consents.set("call-9", "withdrawn", "tests")
        await send(settings, call("call-9"))
        async with recording(settings) as task:
            await until(lambda: (folder / "call-7.mcap.part").exists(), task)
            await consents.set("call-7", "withdrawn", "tests")
            await until(lambda: not list(folder.glob("call-7*")), task)
            await send(settings, call("call-7", 2, 4))
            await consents.pause("call-10", "tests")
            await send(settings, call("call-10"))
            await until(lambda: len(stored(folder / "call-10.mcap.part")) == 13, task)
        assert sorted(path.name for path in folder.iterdir()) == ["call-10.mcap", "call-8.mcap"]
        assert stored(folder / "call-8.mcap") == sorted(kept)
        chunks = [each.message for each in open_recording(folder / "call-10.mcap").messages([CHUNKS])]
        assert {(chunk.withheld, chunk.pcm) for chunk in chunks[:-1]} == {(Reason.PAUSED, b"")}
        noted = [(e.did, e.session) for e in audit_log(settings.policy).entries()]
        assert ("recording removed", "call-7") in noted
        assert ("recording begun", "call-9") not in noted

        await consents.set("call-8", "withdrawn", "tests")  # while nobody records
        async with recording(settings) as task:
            await until(lambda: not list(folder.glob("call-8*")), task)


async def test_results_alone_and_chosen_sessions_are_recorded_where_that_is_asked_for(settings):
    folder = settings.policy.recordings
    for name in ("call-7", "call-8"):
        await send(settings, call(name))
    scope = Scope(media=False, sessions=frozenset({"call-8"}))
    await asyncio.wait_for(recorder.serve(settings, scope, asyncio.Event(), idle_s=2.0), DEADLINE_S)
    assert [path.name for path in folder.iterdir()] == ["call-8.mcap"]
    topics = {stream.topic for stream in open_recording(folder / "call-8.mcap").streams}
    assert topics == {PROBABILITIES.name, FUSED.name}


async def test_a_withdrawal_deletes_files_also_where_nobody_records_and_says_by_whom(settings):
    folder = settings.policy.recordings
    await send(settings, call("call-7"))
    await asyncio.wait_for(recorder.serve(settings, Scope(), asyncio.Event(), idle_s=2.0), DEADLINE_S)
    assert (folder / "call-7.mcap").exists()
    async with ConsentStore(settings.redis, settings.policy) as consents:
        await consents.set("call-7", "withdrawn", "protection")
    assert not list(folder.iterdir())
    last = list(audit_log(settings.policy).entries())[-1]
    assert (last.did, last.session, last.by, last.detail) == (
        "recording removed",
        "call-7",
        "protection",
        {"files": 1},
    )


async def test_files_that_are_deleted_while_they_are_written_end_nobody_and_other_sessions_are_whole(
    settings,
):
    folder = settings.policy.recordings
    await send(settings, call("call-7", 0, 2, end=False))
    async with recording(settings) as task:
        await until(lambda: len(stored(folder / "call-7.mcap.part")) == 6, task)
        recordings.delete(folder, "call-7")
        await send(settings, call("call-7", 2, 3, end=False))
        other = await send(settings, call("call-8"))
        await until(lambda: stored(folder / "call-8.mcap.part") == sorted(other), task)
        later = await send(settings, call("call-7", 3, 4))
        await until(lambda: set(stored(folder / "call-7.mcap.part")) >= set(later), task)
    assert sorted(path.name for path in folder.iterdir()) == ["call-7.mcap", "call-8.mcap"]


async def test_two_recorders_share_the_sessions_through_a_rebalance_and_each_is_recorded_once(settings):
    folder = settings.policy.recordings
    names = [f"call-{n}" for n in range(12)]
    sent = {name: [] for name in names}

    async def stream():
        for second in range(8):
            for name in names:
                sent[name] += await send(settings, call(name, second, second + 1, end=second == 7))

    async with recording(settings) as first:
        streaming = asyncio.create_task(stream())
        await until(lambda: bool(list(folder.glob("*.part"))), first)
        async with recording(settings) as second:  # joins while records come, and leaves while they do
            await until(lambda: len(sent[names[-1]]) > 12, second)
        await streaming
        await until(lambda: all(kept(folder, name) == sorted(sent[name]) for name in names), first)
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.mcap" for name in names)
    assert all(stored(folder / f"{name}.mcap") == sorted(sent[name]) for name in names)
    begun = [
        entry.session for entry in audit_log(settings.policy).entries() if entry.did == "recording begun"
    ]
    assert sorted(begun) == sorted(names)


async def test_without_a_folder_nothing_is_recorded(broker_settings):
    with pytest.raises(SettingsError, match="name the folder"):
        await recorder.serve(broker_settings, Scope(), asyncio.Event())
