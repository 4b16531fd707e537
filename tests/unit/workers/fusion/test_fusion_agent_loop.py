"""The agent between source and sinks: what is done before offsets are committed, and what undoes it."""

import asyncio

import pytest
from support.fusion_rig import Rig, committed, end, frame, running
from support.observations import ended

from affectstream.runtime.store import Newest
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import FusedEmotion, Observations
from affectstream.workers.fusion import agent as loop


@pytest.fixture(autouse=True)
def every_step_commits(monkeypatch):
    monkeypatch.setattr(loop, "COMMIT_EVERY_MS", 0)


async def test_an_offset_is_committed_after_the_topic_and_redis_have_its_final():
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0))
        await rig.feed(frame(1000))
        await rig.journal.until(lambda: committed(rig) == 1)
        await rig.feed(end(1500))
        await rig.journal.until(lambda: committed(rig) == 3)
    kinds = [kind for kind, _ in rig.journal.events]
    assert kinds.index("topic") < kinds.index("redis") < rig.journal.events.index(("commit", 1))
    assert [pane.start_ms for _, pane in rig.journal.of("redis")] == [0, 1000]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"\xc1 garbage", "malformed", id="garbage"),
        pytest.param(b"", "malformed", id="nothing"),
        pytest.param(b"\x00" * (1 << 20), "too_large", id="oversized"),
        pytest.param(encode(Observations(items=(frame(0),)))[:-3], "malformed", id="truncated"),
        pytest.param(
            encode(Observations(items=(frame(0),))).replace(b"\xa1v\x01", b"\xa1v\x07"),
            "wrong_version",
            id="v7",
        ),
        pytest.param(encode(end(0)), "malformed", id="another topic's message"),
    ],
)
async def test_what_cannot_be_read_goes_to_the_dead_letters_and_the_next_record_is_read(value, reason):
    rig = Rig()
    async with running(rig):
        await rig.feed(value=value)
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: committed(rig) == 2)
    ((_, letter),) = rig.journal.of("letter")
    assert (letter.reason, letter.offset, letter.body_size) == (reason, 0, len(value))
    assert len(rig.journal.of("redis")) == 1


async def test_a_party_goes_on_from_its_place_in_the_store():
    rig = Rig()
    rig.store.places["call", "customer"] = Newest(1000, None)
    async with running(rig):
        await rig.feed(frame(0), frame(1000))
        await rig.feed(frame(2000))
        await rig.journal.until(lambda: committed(rig) == 1)
    assert [pane.start_ms for _, pane in rig.journal.of("redis")] == [1000]


async def test_a_party_goes_on_from_the_final_in_the_store():
    whole = Rig()
    async with running(whole):
        await whole.feed(frame(0), frame(1000), frame(2000), end(2500))
        await whole.journal.until(lambda: committed(whole) == 1)
    (_, first), *rest = whole.journal.of("redis")
    resumed = Rig()
    resumed.store.places["call", "customer"] = Newest(first.end_ms, first)
    async with running(resumed):
        await resumed.feed(frame(0), frame(1000), frame(2000), end(2500))
        await resumed.journal.until(lambda: committed(resumed) == 1)
    assert resumed.journal.of("redis") == rest


async def test_a_redis_that_is_away_is_waited_for():
    rig = Rig(failures=1)
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: committed(rig) == 1)
    assert len(rig.journal.of("redis")) == 1


async def test_nothing_is_committed_for_a_partition_that_went_while_its_finals_were_written():
    rig = Rig()
    rig.store.hold.clear()
    async with running(rig):
        await rig.feed(frame(0), end(500))
        await rig.journal.until(lambda: rig.journal.of("topic"))
        rig.agent.revoked()
        rig.store.hold.set()
        await rig.feed(frame(5000), frame(6000), offset=7)
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 2)
    assert ("commit", 1) not in rig.journal.events


async def test_a_party_begins_anew_where_partitions_are_assigned_anew():
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0))
        rig.agent.revoked()
        await rig.feed(frame(1000), end(1500), offset=0)
        await rig.journal.until(lambda: committed(rig) == 1)
    assert [pane.start_ms for _, pane in rig.journal.of("redis")] == [1000]


async def test_a_record_that_is_read_twice_counts_once():
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0), offset=4)
        await rig.feed(frame(0), offset=4)
        await rig.feed(end(500), offset=5)
        await rig.journal.until(lambda: committed(rig) == 6)


async def test_a_record_is_dealt_with_once_its_results_are_written():
    """What a stuck producer or Redis holds up is not, however far the log was read."""
    rig = Rig()
    rig.store.hold.clear()
    async with running(rig):
        await rig.feed(frame(0), end(500), offset=4)
        await rig.journal.until(lambda: rig.journal.of("topic"))
        await rig.feed(frame(0), offset=5)
        assert rig.agent.carried_out == {}
        rig.store.hold.set()
        await rig.journal.until(lambda: rig.agent.carried_out == {0: 6})
        rig.agent.revoked()
        assert rig.agent.carried_out == {}


async def test_a_gap_in_the_embedded_broker_is_an_error():
    rig = Rig(gap_is_fatal=True)
    await rig.feed(frame(0), offset=0)
    with pytest.raises(Unavailable, match="dropped 2 records"):
        await rig.feed(frame(1), offset=3)


async def test_a_party_that_fell_silent_is_let_go_unless_its_input_lags():
    rig = Rig(stall_ms=200)
    rig.meter.behind = 1
    rig.source.log_ends = {0: 1}
    async with running(rig):
        await rig.feed(frame(0))
        looks = _counting(rig)
        await rig.journal.until(lambda: looks() > 10)
        assert committed(rig) in (None, 0)
        rig.meter.behind = 0
        await rig.journal.until(lambda: committed(rig) == 1)
    assert [pane.pane for _, pane in rig.journal.of("redis")] == ["final"]


def _counting(rig):
    """Count the questions about lag."""
    asked, original = [], rig.meter.progress

    async def progress(readers):
        asked.append(readers)
        return await original(readers)

    rig.meter.progress = progress
    return lambda: len(asked)


async def test_a_late_observation_goes_to_the_dead_letters_alone():
    rig = Rig(stall_ms=200)
    rig.source.log_ends = {0: 1}
    async with running(rig):
        await rig.feed(frame(0))
        await rig.journal.until(lambda: committed(rig) == 1)
        await rig.feed(frame(500), frame(1000))
        await rig.journal.until(lambda: rig.journal.of("letter"))
    ((_, letter),) = rig.journal.of("letter")
    assert (letter.reason, letter.offset) == ("late", 1)
    assert decode(letter.body, 1 << 20) == Observations(items=(frame(500),))


async def test_early_panes_go_to_redis_only():
    rig = Rig()
    async with running(rig):
        await rig.feed(frame(0, ("video", "text")), frame(1000, ("video", "text")))
        await rig.journal.until(lambda: rig.journal.of("redis"))
    ((_, pane),) = rig.journal.of("redis")
    assert isinstance(pane, FusedEmotion) and pane.pane == "early"
    assert rig.journal.of("topic") == []


async def test_fetches_wait_for_the_writer_once_many_windows_have_closed(monkeypatch):
    monkeypatch.setattr(loop, "MOST_WAITING", 1)
    rig = Rig()
    rig.store.hold.clear()
    async with running(rig):
        await rig.feed(frame(0), frame(1000))
        await rig.journal.until(lambda: rig.journal.of("topic"))  # the writer has the first final
        await rig.feed(frame(2000))
        third = asyncio.create_task(rig.feed(frame(3000)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not third.done()
        rig.store.hold.set()
        async with asyncio.timeout(20):
            await third
        await rig.journal.until(lambda: len(rig.journal.of("redis")) == 3)


async def test_an_end_of_stream_holds_nothing_back_once_a_final_states_it():
    """A call whose text ends at its start commits all the same, and a restart knows that it has ended."""
    rig = Rig()
    both = ("video", "text")
    gone = ended("text", 0, 0, expects=both)
    async with running(rig):
        await rig.feed(gone)
        for at_ms in (0, 1000, 2000):
            await rig.feed(frame(at_ms, both))
        await rig.journal.until(lambda: committed(rig) == 3)
    (_, first), (_, second) = rig.journal.of("redis")
    assert [state.stream for state in second.modalities] == ["open", "ended"]
    resumed = Rig()
    resumed.store.places["call", "customer"] = Newest(first.end_ms, first)
    resumed.offset = 1
    async with running(resumed):
        await resumed.feed(frame(1000, both))
        await resumed.feed(frame(2000, both))
        await resumed.journal.until(lambda: committed(resumed) == 3)
    assert resumed.journal.of("redis") == [("redis", second)]
