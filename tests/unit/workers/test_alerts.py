"""The alerts worker over fakes: restarts, duplicates and garbage change no alert."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from support.session_lines import tenths

from affectstream.analytics.alerts import alerts
from affectstream.analytics.rules import Rule
from affectstream.runtime.kafka import Record
from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import DeadLetter, ModalityState
from affectstream.schemas.topics import ALERTS, FUSED
from affectstream.workers.alert_states import KEPT_S
from affectstream.workers.alerts import REDIS_WAIT_S, AlertsWorker

RULES = (Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=3, hysteresis=0.2),)
LINE = tenths("11666.66111166661115666")


class Topic:
    """One partition: what is on it, what is committed; ends the loop when all of it has been read."""

    def __init__(self, values, stop):
        self.values, self.at, self.committed, self.stop = values, 0, 0, stop
        self.size = 4

    async def get(self, max_records, timeout_ms):
        batch = self.values[self.at : self.at + self.size]
        first, self.at = self.at, self.at + len(batch)
        if not batch:
            self.stop.set()
        return [Record(FUSED.name, 0, first + i, 0, b"call", value) for i, value in enumerate(batch)]

    async def commit(self, offsets):
        ((topic, partition),) = offsets
        assert (topic, partition) == (FUSED.name, 0)
        self.committed = offsets[topic, partition]


class Publisher:
    def __init__(self):
        self.sent = []

    async def send(self, message, *, partition=None, run="", topic=None):
        self.sent.append(message)
        ack = asyncio.get_running_loop().create_future()
        ack.set_result(None)
        return ack


class Store:
    """Redis: finals that fusion wrote, alerts by their field; counts how often it was read."""

    def __init__(self, finals):
        self.held, self.written, self.read = finals, {}, 0

    async def finals(self, session_id, party, start_ms=None, end_ms=None):
        self.read += 1
        return [w for w in self.held if (w.session_id, w.party) == (session_id, party) and w.end_ms <= end_ms]

    async def positions(self, parties):
        ends = {(w.session_id, w.party): w.end_ms for w in sorted(self.held, key=lambda w: w.end_ms)}
        return [ends.get(party) for party in parties]

    async def write_alerts(self, found):
        for alert in found:
            before = self.written.setdefault((alert.alert_id, alert.edge), alert)
            assert before == alert


class Clock:
    def __init__(self):
        self.s = 0.0

    def __call__(self):
        self.s += 0.5
        return self.s


async def no_sleep(_):
    pass


def run(values, store, publisher=None, start=0, sleep=no_sleep):
    """One worker from a committed offset until it has read everything; returns its topic and publisher."""
    publisher = publisher or Publisher()

    async def go():
        stop = asyncio.Event()
        topic = Topic(values, stop)
        topic.at = topic.committed = start
        await AlertsWorker(RULES, topic, publisher, store, Clock(), sleep).run(stop)
        return topic

    return asyncio.run(go()), publisher


def published(publisher):
    """The alerts on the topic, each once, in the order in which they came first."""
    return list(dict.fromkeys(m for m in publisher.sent if isinstance(m, Alert)))


EXPECTED = alerts(RULES, LINE)


def test_the_topic_and_redis_hold_what_the_fold_gives() -> None:
    store = Store(LINE)
    topic, publisher = run([encode(w) for w in LINE], store)
    assert len(EXPECTED) == 5
    assert publisher.sent == EXPECTED
    assert list(store.written.values()) == EXPECTED
    assert topic.committed == len(LINE)
    assert store.read == 1
    assert all(len(encode(alert)) < ALERTS.max_bytes for alert in EXPECTED)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(LINE)), max_size=4), st.data())
def test_killed_at_any_commit_no_alert_is_lost_or_invented(cuts, data) -> None:
    values, publisher, store, reached = [encode(w) for w in LINE], Publisher(), Store([]), 0
    for cut in [*sorted(cuts), len(LINE)]:
        store.held = LINE[: data.draw(st.integers(cut, len(LINE)))]
        run(values[:cut], store, publisher, start=data.draw(st.integers(0, reached)))
        reached = cut
    assert sorted(store.written.values(), key=EXPECTED.index) == EXPECTED
    assert sorted(published(publisher), key=EXPECTED.index) == EXPECTED


def test_started_in_the_middle_the_state_is_that_of_all_finals() -> None:
    store = Store(LINE)
    _, publisher = run([encode(w) for w in LINE], store, start=8)
    assert publisher.sent == [a for a in EXPECTED if a.start_ms >= 8000]
    assert publisher.sent[0].edge == "end"
    assert list(store.written.values()) == EXPECTED


def test_the_state_of_a_call_that_is_silent_is_dropped_and_the_alerts_are_the_same_where_it_goes_on() -> None:
    class Slow(Clock):
        def __call__(self):
            self.s += 200.0  # between two looks: longer than a state is kept, after two of them
            return self.s

    store, publisher, left = Store(LINE), Publisher(), []

    async def go():
        stop = asyncio.Event()
        worker = AlertsWorker(
            RULES, Topic([encode(w) for w in LINE], stop), publisher, store, Slow(), no_sleep
        )
        await worker.run(stop)
        worker._states.forget(worker._fetched_s + KEPT_S)
        left.extend([worker._states, worker._states._runs])

    asyncio.run(go())
    assert store.read > 1
    assert publisher.sent == EXPECTED
    assert not any(left)


def test_the_state_of_a_party_is_dropped_once_its_streams_have_ended_and_it_may_go_on_all_the_same() -> None:
    def ended(window):
        state = ModalityState(modality="text", state="missing", stream="ended")
        return window.model_copy(update={"modalities": (state,)})

    line = [*LINE[:9], ended(LINE[9]), *LINE[10:-1], ended(LINE[-1])]
    store, publisher, left = Store(line), Publisher(), []

    async def go():
        stop = asyncio.Event()
        topic = Topic([encode(w) for w in line], stop)
        topic.size = 5
        worker = AlertsWorker(RULES, topic, publisher, store, Clock(), no_sleep)
        await worker.run(stop)
        left.extend([worker._states, worker._states._runs])

    asyncio.run(go())
    assert store.read == 2  # at the beginning, and where the party went on
    assert publisher.sent == EXPECTED
    assert not any(left)


def test_finals_that_come_twice_are_folded_once() -> None:
    twice = [encode(w) for w in (*LINE[:9], *LINE[2:14], *LINE[5:])]
    _, publisher = run(twice, Store(LINE))
    assert publisher.sent == EXPECTED


def test_after_windows_that_another_member_read_the_state_is_folded_again() -> None:
    store = Store(LINE)
    _, publisher = run([encode(w) for w in (*LINE[:4], *LINE[12:])], store)
    assert store.read == 2
    assert publisher.sent == [a for a in EXPECTED if a.start_ms < 4000 or a.start_ms >= 12000]


def test_garbage_goes_to_the_dead_letters_and_early_panes_are_passed_over() -> None:
    early = LINE[0].model_copy(update={"pane": "early"})
    values = [b"garbage", encode(early), encode(EXPECTED[0]), *(encode(w) for w in LINE)]
    topic, publisher = run(values, Store(LINE))
    letters = [m for m in publisher.sent if isinstance(m, DeadLetter)]
    assert [(letter.offset, letter.reason) for letter in letters] == [(0, "malformed"), (2, "malformed")]
    assert published(publisher) == EXPECTED
    assert topic.committed == len(values)


def test_nothing_is_committed_before_redis_holds_it() -> None:
    """Fusion writes the topic first: a restart could not fold what Redis does not hold yet."""
    store, seen = Store([]), []

    async def fusion_writes(_):
        seen.append(len(store.held))
        store.held = LINE[: len(store.held) + 1]

    topic, _ = run([encode(w) for w in LINE[:4]], store, sleep=fusion_writes)
    assert seen == [0, 1, 2, 3]
    assert topic.committed == 4


def test_a_purged_session_delays_a_commit_once_and_for_a_limited_time() -> None:
    sleeps = []

    async def count(_):
        sleeps.append(0)

    topic, _ = run([encode(w) for w in LINE], Store([]), sleep=count)
    assert topic.committed == len(LINE)
    assert len(sleeps) <= REDIS_WAIT_S / 0.5 + 1  # by the clock above; waited for once


def test_events_of_webhooks_are_in_the_outbox_before_the_commit_and_have_their_ids_again() -> None:
    def events_from(start: int) -> list[str]:
        told: list[str] = []

        async def go() -> None:
            stop = asyncio.Event()
            topic = Topic([encode(w) for w in LINE], stop)
            topic.at = topic.committed = start

            async def outbox(events) -> None:
                assert topic.committed < topic.at
                told.extend(event["id"] for event in events)

            worker = AlertsWorker(RULES, topic, Publisher(), Store(LINE), Clock(), no_sleep, outbox)
            await worker.run(stop)

        asyncio.run(go())
        return told

    whole = events_from(0)
    assert whole[0] == "call.begun/call/customer/"
    assert [told.split("/")[0] for told in whole[1:]] == [
        "alert.begun" if alert.edge == "begin" else "alert.ended" for alert in EXPECTED
    ]
    assert events_from(0) == whole  # from before the first commit
    resumed = events_from(8)
    assert resumed == whole[-len(resumed) :]
