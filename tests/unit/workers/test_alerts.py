"""The alerts worker over fakes: restarts, duplicates and garbage change no alert."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from support.alerts_worker import RULES, Clock, Publisher, Store, Topic, no_sleep, run
from support.session_lines import tenths

from affectstream.analytics.alerts import alerts
from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import DeadLetter, ModalityState
from affectstream.schemas.topics import ALERTS
from affectstream.workers.alert_states import KEPT_S
from affectstream.workers.alerts import REDIS_WAIT_S, AlertsWorker

LINE = tenths("11666.66111166661115666")


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
