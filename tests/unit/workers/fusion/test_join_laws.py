"""The laws of the join: finals are a function of the set of observations, in any order, batch or crash."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from affectstream.models.fusion.choose import rule_named
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.messages import Abstention, EndOfStream, FusedEmotion, Probabilities, Reason
from affectstream.workers.fusion.display import Display
from affectstream.workers.fusion.engine import Config, Engine, Refused
from affectstream.workers.fusion.partition import Partition

MODALITIES = ("video", "audio", "text")
CONFIG = Config(window_ms=1000)
REMEMBERING = Config(
    window_ms=1000,
    hold_ms={"video": 1000, "audio": 0, "text": 4000},
    online=True,
    display=Display(hysteresis=0.1, dwell_ms=2000, sure=0.3),
)
TRUST = {"video": 0.9, "audio": (0.7, 0.6, 0.8, 0.9, 0.2, 0.3, 0.5), "text": 0.8}

configs = st.sampled_from([CONFIG, REMEMBERING])


def engine(config=CONFIG):
    return Engine(config, rule_named("entropy_trust"), TRUST)


def timeline(rng, modality, start_ms, end_ms):
    """Yield (start, end, settled) of one modality's observations."""
    if modality == "video":
        step = rng.choice([40, 200, 700])
        for at in range(start_ms, end_ms, step):
            yield at, at, at + 1
    elif modality == "audio":
        for at in range(start_ms, end_ms, 1000):
            yield at, min(end_ms, at + 2000), min(end_ms, at + 1000)
    else:
        at = start_ms
        while at < end_ms:
            to = min(end_ms, at + rng.randint(100, 3500))
            yield at, to, to
            at = to


def stream(rng, session_id, party, expects, modality, start_ms):
    """Return one modality's observations in order, its end last."""
    end_ms = start_ms + rng.randint(0, 5000)
    whose = {"session_id": session_id, "party": party, "modality": modality, "expects": expects}
    items = []
    for start, end, settled in timeline(rng, modality, start_ms + rng.randint(0, 800), end_ms):
        envelope = {**whose, "seq": len(items), "start_ms": start, "end_ms": end, "settled_ms": settled}
        if rng.random() < 0.2:
            items.append(Abstention(**envelope, reason=rng.choice(list(Reason))))
        else:
            raw = np.array([rng.random() ** 4 + 1e-6 for _ in range(7)])
            p = tuple((raw / raw.sum()).tolist())
            items.append(Probabilities(**envelope, p=p, quality=round(rng.random(), 3), model_id="m"))
    end = {**whose, "seq": len(items), "start_ms": end_ms, "end_ms": end_ms, "settled_ms": end_ms}
    return [*items, EndOfStream(**end)]


def call(rng):
    """Return the streams of one or two sessions with one or two parties each."""
    streams = []
    for session_id in ("one", "two")[: rng.randint(1, 2)]:
        start_ms = 1_750_000_000_000 + rng.randint(0, 3000)
        for party in ("customer", "agent")[: rng.randint(1, 2)]:
            expects = tuple(sorted(rng.sample(MODALITIES, rng.randint(1, 3))))
            streams += [stream(rng, session_id, party, expects, m, start_ms) for m in expects]
    return streams


def interleave(rng, streams, duplicates=0.0):
    """Return one merged order: each stream's own is kept, and duplicates follow their originals anywhere."""
    merged, queues = [], [list(s) for s in streams if s]
    seen = []
    burst = rng.choice([1, 5, 1000])
    while queues:
        queue = rng.choice(queues)
        for _ in range(min(len(queue), rng.randint(1, burst))):
            merged.append(queue.pop(0))
            seen.append(merged[-1])
            while rng.random() < duplicates:
                merged.append(rng.choice(seen))
        if not queue:
            queues.remove(queue)
    return merged


def finals_of(outputs):
    """Return each party's finals as bytes, in the order in which they came."""
    finals = {}
    for output in outputs:
        assert not isinstance(output, Refused)
        if isinstance(output, FusedEmotion) and output.pane == "final":
            finals.setdefault((output.session_id, output.party), []).append(encode(output))
    return finals


def joined(items, config=CONFIG):
    join = engine(config)
    return finals_of(output for item in items for output in join.push(item))


seeds = st.integers(0, 2**32)


@given(case=seeds, shuffle=seeds, config=configs)
@settings(max_examples=200)
def test_any_interleaving_with_any_duplicates_gives_the_same_bytes(case, shuffle, config):
    streams = call(random.Random(case))
    in_turn = joined([item for s in streams for item in s], config)
    assert joined(interleave(random.Random(shuffle), streams, duplicates=0.2), config) == in_turn


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


@given(case=seeds, config=configs)
@settings(max_examples=50)
def test_every_final_is_a_sane_message(case, config):
    streams = call(random.Random(case))
    join = engine(config)
    for item in interleave(random.Random(case), streams):
        for output in join.push(item):
            if not isinstance(output, FusedEmotion):
                continue
            present = [m for m in output.modalities if m.state in ("present", "held")]
            assert all((m.p is None) == (m.trust is None) == (m not in present) for m in output.modalities)
            assert all((m.age_ms > 0) == (m.state == "held") for m in output.modalities)
            assert all((m.agreement is None) == (not config.online) for m in output.modalities)
            assert output.shown in (None, output.steady)
            assert abs(sum(m.weight for m in output.modalities) - bool(present)) < 1e-5
            assert (output.p is None) == (not present)
            assert output.confidence <= (max(output.p) if output.p else 0.0)
            fresh = [m for m in present if m.state == "present"]
            if len(fresh) < len(output.modalities) and output.p:
                assert output.confidence < max(output.p)
            if len(present) < 2:
                assert output.disagreement == 0.0


@given(case=seeds, shuffle=seeds)
@settings(max_examples=50)
def test_time_changes_nothing_while_input_lags(case, shuffle):
    streams = call(random.Random(case))
    items = interleave(random.Random(shuffle), streams)
    join, outputs, now_ms = engine(), [], 0
    for item in items:
        outputs += join.push(item)
        now_ms += CONFIG.stall_ms
        outputs += join.tick(now_ms, lambda _modality: True)
    assert finals_of(outputs) == joined(items)


@given(case=seeds, shuffle=seeds, cut=st.floats(0, 1))
@settings(max_examples=50)
def test_a_call_that_is_given_up_has_written_what_it_had_or_calls_it_late(case, shuffle, cut):
    items = interleave(random.Random(shuffle), call(random.Random(case)))
    join, outputs = engine(), []
    for item in items[: int(cut * len(items))]:
        outputs += join.push(item)
    for now_ms in (0, CONFIG.stall_ms):
        outputs += join.tick(now_ms, lambda _modality: False)
    assert join.open_windows() == 0
    for item in items[int(cut * len(items)) :]:
        outputs += join.push(item)
    finals = [o for o in outputs if isinstance(o, FusedEmotion) and o.pane == "final"]
    windows = [(f.session_id, f.party, f.start_ms) for f in finals]
    assert len(windows) == len(set(windows))


def in_records(rng, items):
    """Cut an order of observations into records as workers' batches do."""
    items = list(items)
    while items:
        size = rng.randint(1, 6)
        yield tuple(items[:size])
        del items[:size]


class Machine:
    """A log, a store and an agent that may die between any two steps, as the real one does."""

    def __init__(self, log, rng, config, death=0.0):
        self.log, self.rng, self.config, self.death = log, rng, config, death
        self.store = {}  # (session, party) -> {window end: bytes}
        self.published = []
        self.committed = 0

    def run(self):
        while not self._live():
            pass

    def _live(self):
        """Run until the log is used up (True) or death (False)."""
        partition = Partition(engine(self.config))
        offset = self.committed
        while offset < len(self.log):
            for _ in range(self.rng.randint(1, 8)):
                if offset < len(self.log):
                    self._take(partition, offset)
                    offset += 1
            if not all(self._dies() is False and step() is None for step in self._effects(partition)):
                return False
            acked = partition.settle()
            if acked and not self._dies():
                self.committed = acked[-1] + 1
        self._let_go(partition)
        return True

    def _let_go(self, partition):
        """Give up parties that only a duplicated end of stream has opened again."""
        for now_ms in (0, CONFIG.stall_ms):
            partition.tick(now_ms, lambda _modality: False)
        assert partition.effects.finals == []
        partition.settle()
        assert len(partition.tracker) == 0

    def _take(self, partition, offset):
        items = self.log[offset]
        for key in partition.strangers(items):
            end_ms = max(self.store.get(key, {}), default=None)
            partition.resume(key, end_ms, end_ms and decode(self.store[key][end_ms], 1 << 20))
        partition.take(offset, items)

    def _effects(self, partition):
        finals = partition.effects.finals
        assert partition.effects.refused == []
        cut = self.rng.randint(0, len(finals))
        yield lambda: self.published.extend(finals)
        yield lambda: self._write(finals[:cut])  # a pipeline may have gone through in part
        yield lambda: self._write(finals[cut:])

    def _write(self, finals):
        for final in finals:
            windows = self.store.setdefault((final.session_id, final.party), {})
            if final.end_ms > max(windows, default=0):  # XADD refuses an id that is not the largest
                windows[final.end_ms] = encode(final)

    def _dies(self):
        return self.rng.random() < self.death


@given(case=seeds, shuffle=seeds, fate=seeds, config=configs)
@settings(max_examples=250)
def test_killed_at_any_point_the_store_holds_what_an_undisturbed_run_writes(case, shuffle, fate, config):
    streams = call(random.Random(case))
    rng = random.Random(shuffle)
    log = list(in_records(rng, interleave(rng, streams, duplicates=0.1)))
    calm = Machine(log, random.Random(fate), config)
    calm.run()
    killed = Machine(log, random.Random(fate), config, death=0.15)
    killed.run()
    assert killed.store == calm.store
    assert {encode(final) for final in killed.published} == {encode(final) for final in calm.published}


@given(case=seeds)
@settings(max_examples=30)
def test_what_is_shown_changes_nothing_else(case):
    items = [item for s in call(random.Random(case)) for item in s]
    shown = Config(window_ms=1000, display=REMEMBERING.display)
    plain = {"shown": None, "steady": None, "shown_since_ms": None}

    def bare(config):
        panes = [o for join in [engine(config)] for item in items for o in join.push(item)]
        return [o.model_copy(update=plain) if isinstance(o, FusedEmotion) else o for o in panes]

    assert bare(shown) == bare(CONFIG)


def test_an_operators_trust_moves_the_weights_and_is_recorded():
    def final(override):
        join = engine()
        join.override(override)
        rng = random.Random(5)
        streams = [stream(rng, "s", "customer", ("audio", "video"), m, 0) for m in ("video", "audio")]
        outputs = [o for s in streams for item in s for o in join.push(item)]
        return next(o for o in outputs if isinstance(o, FusedEmotion) and o.pane == "final" and o.p)

    settings_say, operator_says = final({}), final({"audio": 0.0})
    assert settings_say.rule == "entropy_trust"
    assert operator_says.rule == "entropy_trust+override"
    weights = [{m.modality: m.weight for m in f.modalities}["audio"] for f in (settings_say, operator_says)]
    assert weights[0] > weights[1] > 0.0  # bounded: nobody is silenced
