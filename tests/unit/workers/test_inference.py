"""The loop between a broker and an analyst, both played by fakes with the methods of the real ones."""

import asyncio
import threading
from collections import Counter

import pytest
from support.worker_fakes import Publisher, Words, Worker, as_bytes, envelope, said

from affectstream.schemas.codec import decode
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import (
    Abstention,
    DeadLetter,
    EndOfStream,
    Observations,
    Probabilities,
    Reason,
)
from affectstream.schemas.topics import TRANSCRIPTS
from affectstream.workers.inference import FULL_BATCHES

STALLED = 3  # batches analysed while nothing is acknowledged and in_flight is 1: published, queued, waiting


async def test_each_partition_is_answered_on_the_partition_of_the_same_number_in_order():
    logs = {p: [said(f"{p} {n}", f"s{p}", n) for n in range(10)] for p in (0, 2, 3)}
    it = Worker(logs)
    await it.work()
    for p, log in logs.items():
        assert [o.envelope() for o in it.publisher.observed(p)] == [m.envelope() for m in log]
        assert all(isinstance(o, Probabilities) for o in it.publisher.observed(p))


async def test_a_batch_is_one_record_per_partition():
    it = Worker({0: [said("a", "s", n) for n in range(4)], 1: [said("b", "t", 0)]}, batch_rows=5)
    await it.work()
    sizes = Counter((p, len(m.items)) for p, m in it.publisher.sent)
    assert sizes == {(0, 4): 1, (1, 1): 1}


async def test_the_end_of_a_stream_goes_through_the_same_door():
    end = EndOfStream(**envelope("s", 1))
    it = Worker({0: [said("hello"), end]})
    await it.work()
    assert it.publisher.observed(0)[1] == end


async def test_undecodable_content_and_a_failing_model_abstain_and_leave_a_dead_letter():
    log = [said(text, seq=n) for n, text in enumerate(["fine", "broken", "poison", "good", ""])]
    it = Worker({0: log}, batch_rows=8)
    await it.work()
    reasons = [o.reason if isinstance(o, Abstention) else None for o in it.publisher.observed(0)]
    assert reasons == [None, Reason.FAILED, Reason.FAILED, None, Reason.NO_SPEECH]
    letters = it.publisher.letters()
    assert [(x.offset, x.reason) for x in letters] == [(1, "undecodable"), (2, "failed")]
    assert [decode(x.body, TRANSCRIPTS.max_bytes) for x in letters] == log[1:3]


async def test_live_input_older_than_its_budget_is_shed_and_replayed_input_never():
    log = [said("old", seq=0), said("new", seq=9), EndOfStream(**envelope("s", 0))]
    live = Worker({0: log}, live_budget_ms=500, wall_ms=lambda: 10_000)
    replay = Worker({0: log}, wall_ms=lambda: 10_000)
    await live.work()
    await replay.work()
    assert [o.type for o in live.publisher.observed(0)] == ["abstention", "probabilities", "eos"]
    assert live.publisher.observed(0)[0].reason is Reason.SHED
    assert [o.type for o in replay.publisher.observed(0)] == ["probabilities", "probabilities", "eos"]


async def test_nothing_is_committed_before_the_acknowledgements():
    out = Publisher(hold=True)
    it = Worker({0: [said("a", seq=0), b"garbage"]}, out)
    await it.until(lambda: len(out.sent) == 2)
    observation, letter = out.acks
    assert it.broker.committed == {}
    observation.set_result(None)
    await asyncio.sleep(0)
    assert it.broker.committed == {}
    letter.set_result(None)
    await it.meanwhile(it.committed_all)
    await it.end()
    assert it.broker.committed == {0: 2}


@pytest.mark.parametrize("kind", [Observations, DeadLetter])
async def test_a_failed_acknowledgement_stops_the_worker_and_nothing_is_committed(kind):
    it = Worker({0: [said("a", seq=0), b"garbage"]}, Publisher(fail=kind))
    await it.until(lambda: False)
    with pytest.raises(Unavailable, match="gone"):
        await it.task
    assert it.broker.committed == {}


async def test_work_on_a_lost_partition_is_dropped_and_read_again():
    out = Publisher(hold=True)
    it = Worker({0: [said("a", "s", 0)], 1: [said("b", "t", 0)]}, out)
    await it.until(lambda: len(out.sent) == 2)
    it.broker.revoke(1)
    out.release()
    await it.meanwhile(it.committed_all)
    await it.end()
    assert it.broker.committed == {0: 1, 1: 1}
    assert len(out.observed(0)) == 1
    assert len(out.observed(1)) == 2  # the second time under the new lease


async def test_work_on_a_partition_that_another_member_got_is_neither_published_nor_committed():
    out = Publisher(hold=True)
    it = Worker({0: [said("a", "s", 0)], 1: [said("b", "t", n) for n in range(40)]}, out, in_flight=1)
    await it.until(lambda: len(it.analyst.batches) == STALLED)
    sent = len(out.sent)
    it.broker.held.discard(1)
    it.broker.revoke(1)
    out.release()
    await it.meanwhile(lambda: it.broker.committed)
    await it.end()
    assert it.broker.committed == {0: 1}
    assert (len(out.sent), len(it.analyst.batches)) == (sent, STALLED)


async def test_fetching_stops_while_the_acknowledgements_do_not_come():
    log = [said("a", seq=n) for n in range(500)]
    out = Publisher(hold=True)
    it = Worker({0: log}, out, batch_rows=4, in_flight=1)
    bound = 4 * (FULL_BATCHES + 1 + STALLED)  # waiting, the fetch that filled it, and under way
    await it.until(lambda: it.broker.paused and len(it.analyst.batches) == STALLED)
    for _ in range(200):
        await asyncio.sleep(0)
    assert it.broker.fetched <= bound
    assert it.broker.committed == {}
    out.release()
    await it.meanwhile(it.committed_all)
    await it.end()
    assert [o.seq for o in out.observed(0)] == list(range(500))


async def test_a_stop_finishes_publishes_and_commits_what_was_fetched():
    out = Publisher(hold=True)
    it = Worker({0: [said("a", seq=n) for n in range(50)]}, out)
    await it.until(lambda: it.broker.paused)
    assert it.broker.committed == {}
    it.stop.set()
    out.release()
    await it.end()
    assert len(out.observed(0)) == it.broker.fetched > len(it.analyst.batches[0])
    assert it.broker.committed == {0: it.broker.fetched}


async def test_a_batch_is_what_waits_when_the_model_is_free():
    class Slow(Words):
        def __init__(self):
            super().__init__()
            self.busy, self.go_on = threading.Event(), threading.Event()

        def predict(self, inputs):
            self.busy.set()
            self.go_on.wait(10)
            return super().predict(inputs)

    slow = Slow()
    it = Worker({0: [said("first", seq=0)]}, analyst=slow, batch_rows=4)
    await it.until(slow.busy.is_set)
    it.broker.logs[0] += [as_bytes(said("later", seq=n)) for n in range(1, 7)]
    await it.meanwhile(lambda: it.broker.fetched == 7)
    slow.go_on.set()
    await it.meanwhile(it.committed_all)
    await it.end()
    assert [len(batch) for batch in slow.batches] == [1, 4, 2]
    assert [len(record.items) for _, record in it.publisher.sent] == [1, 4, 2]


async def test_a_fault_of_the_broker_reaches_the_caller_as_itself():
    it = Worker({0: []})

    async def gone(max_records, timeout_ms):
        raise Unavailable("the broker is gone")

    it.broker.get = gone
    with pytest.raises(Unavailable):
        await it.loop.run(it.stop)
