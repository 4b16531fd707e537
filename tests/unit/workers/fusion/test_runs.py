"""Runs of a session in the join: what a second one does, in any order of records and after any crash."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.joining import Driven, fusion
from support.observations import ended, observed

from affectstream.schemas.codec import decode, encode
from affectstream.schemas.fields import UNNAMED
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import FusedEmotion
from affectstream.schemas.observations import record
from affectstream.workers.fusion.admission import Refused
from affectstream.workers.fusion.answers import Answer, learn
from affectstream.workers.fusion.partition import Partition, senders
from affectstream.workers.fusion.runs import judged
from affectstream.workers.fusion.window import ResumePoint

FUSION = fusion()


def said(run, start_ms, seconds):
    """A run of a party's words, its end last."""
    whose = {"expects": ("text",), "run": run}
    for seq in range(seconds):
        at_ms = start_ms + 1000 * seq
        yield observed("text", seq, at_ms, at_ms + 1000, watermark_ms=at_ms + 1000, **whose)
    yield ended("text", seconds, start_ms + 1000 * seconds, **whose)


def test_the_senders_of_a_fetch_are_parties_with_their_runs_and_whether_a_number_0_is_among_theirs():
    whose = {"expects": ("text",)}
    items = [
        observed("text", 1, 1000, **whose),
        observed("text", 1, 1000, run="b", **whose),
        observed("text", 0, 0, party="agent", **whose),
        observed("text", 2, 2000, **whose),
        observed("text", 0, 0, run="b", **whose),
        observed("text", 1, 1000, party="agent", **whose),
    ]
    sid = items[0].session_id
    assert senders(map(record, items)) == {
        (sid, "customer", ""): False,
        (sid, "customer", "b"): True,
        (sid, "agent", ""): True,
    }
    assert senders([]) == {}


@pytest.mark.parametrize(
    ("run", "stored", "here", "replace", "expected"),
    [
        pytest.param("a", Runs(), None, False, ("begins", "a"), id="nothing is known"),
        pytest.param("a", Runs("a"), None, False, ("current", "a"), id="its windows are kept"),
        pytest.param("b", Runs("a"), None, False, ("second_run", "b"), id="another's are"),
        pytest.param("b", Runs("a"), None, True, ("begins", "b"), id="another's are, and it may replace"),
        pytest.param("b", Runs("a", ("a", "b")), None, False, ("begins", "b"), id="it was claimed"),
        pytest.param("a", Runs("a", ("a", "b")), None, False, ("current", "a"), id="until the next begins"),
        pytest.param("a", Runs("b", ("a", "b")), None, True, ("superseded", "a"), id="it was replaced"),
        pytest.param("b", Runs(), "a", False, ("second_run", "b"), id="another is being written"),
        pytest.param("c", Runs(None, ("b",)), None, False, ("second_run", "c"), id="another was claimed"),
        pytest.param(UNNAMED, Runs("a"), None, False, ("current", "a"), id="unnamed: the kept one"),
        pytest.param(
            UNNAMED, Runs(None, ("b",)), None, False, ("begins", "b"), id="unnamed: the claimed one"
        ),
        pytest.param(UNNAMED, Runs(), None, False, ("begins", UNNAMED), id="unnamed: of its own"),
        pytest.param("b", Runs(UNNAMED), None, False, ("second_run", "b"), id="after one without a name"),
    ],
)
def test_a_run_is_judged_by_what_the_store_holds(run, stored, here, replace, expected):
    assert judged(run, stored, here, replace) == expected


def test_without_a_store_the_first_run_counts_and_others_are_refused():
    join, outputs = Driven(FUSION), []
    for item in [*said("one", 9000, 2), *said("two", 0, 3), *said(UNNAMED, 20_000, 2)]:
        outputs += join.push(item)
    assert [o.reason for o in outputs if isinstance(o, Refused)] == ["second_run"] * 4
    finals = [o.start_ms for o in outputs if isinstance(o, FusedEmotion) and o.p]
    assert finals == [9000, 10_000, 20_000, 21_000]


class Store:
    """Redis as the fusion process uses it, and what happens between its steps."""

    def __init__(self, log, claims, rng, death=0.0):
        self.log, self.claims, self.rng, self.death = log, tuple(claims), rng, death
        self.windows, self.kept = {}, None
        self.refused = Counter()
        self.committed = 0

    def run(self):
        while not self._live():
            pass

    def _live(self):
        partition, offset = Partition(FUSION.join()), self.committed
        while offset < len(self.log):
            for _ in range(self.rng.randint(1, 6)):
                if offset < len(self.log):
                    self._take(partition, offset)
                    offset += 1
            effects, _ = partition.take()
            committable = partition.committable()
            for step in (self._begin, self._write, self._refuse):
                if self.rng.random() < self.death:
                    return False
                step(effects)
            if self.rng.random() >= self.death:
                self.committed = committable
        return True

    def _take(self, partition, offset):
        items = self.log[offset]
        asked = partition.asks(senders(items))
        runs = {key: Runs(self.kept, self.claims) for key in asked.runs}
        newest = max(self.windows, default=None)
        final = decode(self.windows[newest], 1 << 20) if self.windows else None
        points = {key: ResumePoint.after(newest, final) for key in asked.parties if self.windows}
        learn(partition.join, Answer(points, runs), (), False)
        partition.add_record(offset, items)

    def _begin(self, effects):
        for run in effects.begun.values():
            self.windows, self.kept = {}, run

    def _write(self, effects):
        for pane in FUSION.fuser.fuse(effects.finals, "final").panes:
            if pane.run == (self.kept or UNNAMED) and pane.end_ms > max(self.windows, default=0):
                self.windows[pane.end_ms] = pane.packed

    def _refuse(self, effects):
        self.refused.update(refused.reason for refused in effects.refused)


def alone(run, start_ms, seconds):
    join, finals = Driven(FUSION), {}
    for item in said(run, start_ms, seconds):
        for output in join.push(item):
            if isinstance(output, FusedEmotion) and output.pane == "final":
                finals[output.end_ms] = encode(output)
    return finals


@given(
    shuffle=st.integers(0, 2**32),
    first=st.tuples(st.integers(0, 40), st.integers(1, 8)),
    second=st.tuples(st.integers(0, 40), st.integers(1, 8)),
    claimed=st.booleans(),
    death=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=200)
def test_of_two_runs_in_any_mixture_one_is_there_whole_and_the_other_not_at_all(
    shuffle, first, second, claimed, death
):
    rng = random.Random(shuffle)
    runs = {"one": (1000 * first[0], first[1]), "two": (1000 * second[0], second[1])}
    queues = {run: list(map(record, said(run, *times))) for run, times in runs.items()}
    log = [(queues["one"].pop(0),)]  # the first one begins
    while left := [run for run, queue in queues.items() if queue]:
        log.append((queues[rng.choice(left)].pop(0),))
    store = Store(log, ("one", "two") if claimed else (), rng, death)
    store.run()
    winner = "two" if claimed else "one"
    assert store.windows == alone(winner, *runs[winner])
    if not claimed:
        assert store.refused["second_run"] >= second[1] + 1
    assert set(store.refused) <= {"second_run", "superseded"}
