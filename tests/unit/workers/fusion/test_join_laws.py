"""The laws of the join: finals are a function of the set of observations, in any order, batch or crash."""

import random

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.drawn_calls import call, in_records, interleave, stream
from support.joining import Driven, fusion

from affectstream.schemas.codec import decode, encode
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import EndOfStream, FusedEmotion
from affectstream.schemas.observations import record
from affectstream.workers.fusion.admission import Refused
from affectstream.workers.fusion.answers import Answer, learn
from affectstream.workers.fusion.partition import Partition, senders
from affectstream.workers.fusion.window import ResumePoint

STALL_MS = 10_000
TRUST = {"video": 0.9, "audio": 0.7, "text": 0.8}

FUSION = fusion(trust=TRUST, stall_ms=STALL_MS)


def engine():
    return Driven(FUSION)


def finals_of(outputs):
    """Return each party's finals as bytes, in the order in which they came."""
    finals = {}
    for output in outputs:
        assert not isinstance(output, Refused)
        if isinstance(output, FusedEmotion) and output.pane == "final":
            finals.setdefault((output.session_id, output.party), []).append(encode(output))
    return finals


def joined(items):
    join = engine()
    return finals_of(output for item in items for output in join.push(item))


seeds = st.integers(0, 2**32)


@given(case=seeds, shuffle=seeds)
@settings(max_examples=200)
def test_any_interleaving_with_any_duplicates_gives_the_same_bytes(case, shuffle):
    streams = call(random.Random(case))
    in_turn = joined([item for s in streams for item in s])
    assert joined(interleave(random.Random(shuffle), streams, duplicates=0.2)) == in_turn


@given(case=seeds, shuffle=seeds)
@settings(max_examples=50)
def test_finals_are_contiguous_and_cover_the_call(case, shuffle):
    streams = call(random.Random(case))
    join = engine()
    panes = [o for item in interleave(random.Random(shuffle), streams) for o in join.push(item)]
    for key in {(s[0].session_id, s[0].party) for s in streams}:
        own = [item for s in streams for item in s if (item.session_id, item.party) == key]
        media = [item for item in own if not isinstance(item, EndOfStream)]
        starts = [o.start_ms for o in panes if isinstance(o, FusedEmotion) and o.pane == "final"
                  and (o.session_id, o.party) == key]  # fmt: skip
        assert starts == sorted(set(starts))
        if not media:
            assert starts == []
            continue
        first_ms = min(item.start_ms for item in media) // 1000 * 1000
        last_ms = max(max(item.end_ms for item in own), max(i.start_ms + 1 for i in media))
        assert starts == list(range(first_ms, -(-last_ms // 1000) * 1000, 1000))


@given(case=seeds, shuffle=seeds)
@settings(max_examples=50)
def test_a_pane_is_early_at_most_once_and_never_after_its_final(case, shuffle):
    streams = call(random.Random(case))
    join, seen = engine(), set()
    for item in interleave(random.Random(shuffle), streams, duplicates=0.1):
        for output in join.push(item):
            if isinstance(output, FusedEmotion):
                window = output.session_id, output.party, output.start_ms
                assert (*window, output.pane) not in seen
                assert (*window, "final") not in seen
                seen.add((*window, output.pane))


@given(case=seeds)
@settings(max_examples=50)
def test_every_final_is_a_sane_message(case):
    streams = call(random.Random(case))
    join = engine()
    for item in interleave(random.Random(case), streams):
        for output in join.push(item):
            if not isinstance(output, FusedEmotion):
                continue
            present = [m for m in output.modalities if m.state == "present"]
            assert all((m.p is None) == (m.trust is None) == (m not in present) for m in output.modalities)
            counting = [m for m in present if m.quality > 0.0]
            assert abs(sum(m.weight for m in output.modalities) - bool(counting)) < 1e-5
            assert (output.p is None) == (not counting)
            assert output.confidence <= (max(output.p) if output.p else 0.0)
            if len(counting) < len(output.modalities) and output.p:
                assert output.confidence < max(output.p)
            if len(counting) < 2:
                assert output.disagreement == 0.0


@given(case=seeds, shuffle=seeds)
@settings(max_examples=50)
def test_time_changes_nothing_while_input_lags(case, shuffle):
    streams = call(random.Random(case))
    items = interleave(random.Random(shuffle), streams)
    join, outputs, now_ms = engine(), [], 0
    for item in items:
        outputs += join.push(item)
        now_ms += STALL_MS
        outputs += join.tick(now_ms, lambda _modality: True)
    assert finals_of(outputs) == joined(items)


@given(case=seeds, shuffle=seeds, cut=st.floats(0, 1))
@settings(max_examples=50)
def test_a_call_that_is_given_up_has_written_what_it_had_or_calls_it_late(case, shuffle, cut):
    items = interleave(random.Random(shuffle), call(random.Random(case)))
    join, outputs = engine(), []
    for item in items[: int(cut * len(items))]:
        outputs += join.push(item)
    for now_ms in (0, STALL_MS):
        outputs += join.tick(now_ms, lambda _modality: False)
    assert join.join.open_windows() == 0
    for item in items[int(cut * len(items)) :]:
        outputs += join.push(item)
    finals = [o for o in outputs if isinstance(o, FusedEmotion) and o.pane == "final"]
    windows = [(f.session_id, f.party, f.start_ms) for f in finals]
    assert len(windows) == len(set(windows))


class Machine:
    """A log, a store and an agent that may die between any two steps, as the real one does."""

    def __init__(self, log, rng, death=0.0):
        self.log, self.rng, self.death = [tuple(map(record, items)) for items in log], rng, death
        self.store = {}  # (session, party) -> {window end: bytes}
        self.published = []
        self.committed = 0

    def run(self):
        while not self._live():
            pass

    def _live(self):
        """Run until the log is used up (True) or death (False)."""
        partition = Partition(FUSION.join())
        offset = self.committed
        while offset < len(self.log):
            for _ in range(self.rng.randint(1, 8)):
                if offset < len(self.log):
                    self._take(partition, offset)
                    offset += 1
            effects, _ = partition.take()
            committable = partition.committable()  # once the effects are carried out
            if not all(self._dies() is False and step() is None for step in self._effects(effects)):
                return False
            if not self._dies():
                assert self.committed <= committable <= offset
                self.committed = committable
        self._let_go(partition)
        return True

    def _let_go(self, partition):
        """Give up parties that only a duplicated end of stream has opened again."""
        for now_ms in (0, STALL_MS):
            partition.join.tick(now_ms, lambda _modality: False)
        assert partition.take()[0].finals == []
        assert partition.committable() in (None, len(self.log))

    def _take(self, partition, offset):
        items = self.log[offset]
        asked = partition.asks(senders(items))
        newest = {key: max(self.store[key]) for key in asked.parties if key in self.store}
        points = {
            key: ResumePoint.after(end_ms, decode(self.store[key][end_ms], 1 << 20))
            for key, end_ms in newest.items()
        }
        kept = {session_id for session_id, _ in self.store}
        runs = {(sid, run): Runs("" if sid in kept else None) for sid, run in asked.runs}
        learn(partition.join, Answer(points, runs), (), False)
        partition.add_record(offset, items)

    def _effects(self, effects):
        assert effects.refused == []
        finals = FUSION.fuser.fuse(effects.finals, "final").panes
        cut = self.rng.randint(0, len(finals))
        yield lambda: self.published.extend(finals)
        yield lambda: self._write(finals[:cut])  # a pipeline may have gone through in part
        yield lambda: self._write(finals[cut:])

    def _write(self, finals):
        for final in finals:
            windows = self.store.setdefault((final.session_id, final.party), {})
            if final.end_ms > max(windows, default=0):  # XADD refuses an id that is not the largest
                windows[final.end_ms] = final.packed

    def _dies(self):
        return self.rng.random() < self.death


@given(case=seeds, shuffle=seeds, fate=seeds)
@example(case=115, shuffle=87071, fate=0)  # a stream that ends before the first window of its party opens
@settings(max_examples=250)
def test_killed_at_any_point_the_store_holds_what_an_undisturbed_run_writes(case, shuffle, fate):
    streams = call(random.Random(case))
    rng = random.Random(shuffle)
    log = list(in_records(rng, interleave(rng, streams, duplicates=0.1)))
    calm = Machine(log, random.Random(fate))
    calm.run()
    killed = Machine(log, random.Random(fate), death=0.15)
    killed.run()
    assert killed.store == calm.store
    assert set(killed.published) == set(calm.published)


def test_an_operators_trust_moves_the_weights_and_is_recorded():
    def final(override):
        join = engine()
        join.offline.fuser = join.offline.fuser.override(override)
        rng = random.Random(5)
        streams = [stream(rng, "s", "customer", ("audio", "video"), m, 0) for m in ("video", "audio")]
        outputs = [o for s in streams for item in s for o in join.push(item)]
        return next(o for o in outputs if isinstance(o, FusedEmotion) and o.pane == "final" and o.p)

    settings_say, operator_says = final({}), final({"audio": 0.0})
    assert settings_say.rule == "entropy_trust"
    assert operator_says.rule == "entropy_trust+override"
    weights = [{m.modality: m.weight for m in f.modalities}["audio"] for f in (settings_say, operator_says)]
    assert weights[0] > weights[1] > 0.0  # bounded: nobody is silenced
