"""What a window takes over from the final before it, on timelines; windows of a second by default."""

import pytest

from affectstream.models.fusion import trust
from affectstream.models.fusion.choose import rule_named
from affectstream.schemas.messages import Abstention, EndOfStream, FusedEmotion, Probabilities, Reason
from affectstream.workers.fusion.engine import Config, Engine

HAPPY, SAD = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
LIKELY = (0.1, 0.4, 0.1, 0.1, 0.1, 0.1, 0.1)
HOUR_MS = 3_600_000


class Call:
    """One party's observations, numbered as workers do; collects the panes."""

    def __init__(self, *expects, **config):
        self.expects, self.seqs = expects, dict.fromkeys(expects, -1)
        self.engine = Engine(
            Config(**config), rule_named("entropy_trust"), {"video": 0.8, "audio": 0.8, "text": 0.5}
        )
        self.panes = []

    def say(self, modality, start_ms, end_ms, p=LIKELY, quality=1.0):
        self._push(Probabilities, modality, start_ms, end_ms, p=p, quality=quality, model_id=f"{modality}/1")

    def abstain(self, modality, start_ms, end_ms, reason=Reason.NO_SPEECH):
        self._push(Abstention, modality, start_ms, end_ms, reason=reason)

    def end(self, at_ms):
        for modality in self.expects:
            self._push(EndOfStream, modality, at_ms, at_ms)

    def _push(self, kind, modality, start_ms, end_ms, **fields):
        self.seqs[modality] += 1
        times = {"start_ms": start_ms, "end_ms": end_ms, "settled_ms": end_ms}
        whose = {"session_id": "s", "party": "customer", "modality": modality, "expects": self.expects}
        item = kind(**whose, **times, seq=self.seqs[modality], **fields)
        self.panes += [o for o in self.engine.push(item) if isinstance(o, FusedEmotion)]

    def finals(self):
        return [pane for pane in self.panes if pane.pane == "final"]

    def of(self, modality):
        """Return the modality's states in the finals."""
        return [state for pane in self.finals() for state in pane.modalities if state.modality == modality]


# 0         1000      2000      3000      4000      5000
# |---------|---------|---------|---------|---------|
# [....t....][          nobody speaks               ]        text holds for three seconds
def test_words_hold_for_their_time_and_weigh_less_and_less():
    call = Call("text", hold_ms={"text": 3000})
    call.say("text", 0, 1000)
    call.abstain("text", 1000, 5000)
    call.end(5000)
    states = call.of("text")
    assert [s.state for s in states] == ["present", "held", "held", "held", "abstained"]
    assert [s.age_ms for s in states] == [0, 1000, 2000, 3000, 0]
    expected = [0.5 * 2 ** (-age / trust.HELD_HALF_LIFE_MS) for age in (0, 1000, 2000, 3000)]
    assert [s.trust for s in states[:4]] == pytest.approx(expected, abs=1e-6)
    assert states[4].trust is None
    assert {s.p for s in states[:4]} == {LIKELY}
    assert [s.reason for s in states] == [None, *[Reason.NO_SPEECH] * 4]


def test_a_window_with_nothing_but_held_words_is_less_sure_and_says_the_same():
    call = Call("text", hold_ms={"text": 2000})
    call.say("text", 0, 1000)
    call.abstain("text", 1000, 3000)
    call.end(3000)
    first, second, third = call.finals()
    assert first.p == second.p == third.p == LIKELY
    assert first.confidence == pytest.approx(0.4)
    assert second.confidence == pytest.approx(0.4 * trust.freshness(1000), abs=1e-6)
    assert third.confidence == pytest.approx(0.4 * trust.freshness(2000), abs=1e-6)


# 0         1000      2000      3000
# |---------|---------|---------|
# v         v         v         v
# [....t....][                  ]
def test_held_words_have_a_share_beside_what_is_new():
    call = Call("video", "text", hold_ms={"text": 5000})
    call.say("text", 0, 1000, SAD)
    call.abstain("text", 1000, 3000)
    for at_ms in (0, 1000, 2000):
        call.say("video", at_ms, at_ms, HAPPY)
    call.end(3000)
    weights = [s.weight for s in call.of("text")]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == pytest.approx(0.5 / 1.3, abs=1e-6)
    assert 0.0 < weights[2] < weights[1]


def test_by_default_nothing_is_held():
    call = Call("text")
    call.say("text", 0, 1000)
    call.abstain("text", 1000, 2000)
    call.end(2000)
    assert [s.state for s in call.of("text")] == ["present", "abstained"]
    assert call.finals()[1].p is None


def test_what_may_not_be_inferred_is_not_held_and_does_not_come_back():
    call = Call("text", hold_ms={"text": 9000})
    call.say("text", 0, 1000)
    call.abstain("text", 1000, 2000, Reason.NOT_PERMITTED)
    call.abstain("text", 2000, 3000)
    call.end(3000)
    assert [s.state for s in call.of("text")] == ["present", "abstained", "abstained"]


# |---|        three hours without anything: empty windows are written for one of them       |---|
def test_over_a_gap_age_and_agreement_go_by_event_time():
    call = Call("video", "text", hold_ms={"text": 60_000, "video": 60_000}, online=True, window_ms=60_000)
    call.say("text", 0, 60_000, SAD)
    call.say("video", 0, 60_000, HAPPY)
    call.say("text", 3 * HOUR_MS, 3 * HOUR_MS + 60_000)
    call.abstain("video", 3 * HOUR_MS, 3 * HOUR_MS + 60_000)
    call.end(3 * HOUR_MS + 60_000)
    states = call.of("video")
    assert [s.state for s in states[:3]] == ["present", "held", "missing"]
    assert states[-1].state == "abstained"
    kept = 2.0 ** (-3 * HOUR_MS / trust.AGREEMENT_HALF_LIFE_MS)
    assert states[-1].agreement == pytest.approx(trust.NEUTRAL * (1 - kept), abs=1e-6)


# v v v v  says happy throughout; a says sad: both lose trust, and get it back once the other is gone
def test_modalities_that_quarrel_lose_trust_and_one_that_is_alone_gets_it_back():
    call = Call("video", "audio", online=True)
    for at_ms in range(0, 30_000, 1000):
        call.say("video", at_ms, at_ms, HAPPY)
        call.say("audio", at_ms, at_ms + 1000, SAD)
    for at_ms in range(30_000, 300_000, 1000):
        call.say("video", at_ms, at_ms, HAPPY)
        call.abstain("audio", at_ms, at_ms + 1000)
    call.end(300_000)
    trusts = [s.trust for s in call.of("video")]
    assert trusts[0] == 0.8
    assert trusts[1:31] == sorted(trusts[1:31], reverse=True)
    assert trusts[30] == pytest.approx(
        0.8 * trust.factor(trust.remembered(trust.NEUTRAL, 30_000, 0.0)), abs=1e-5
    )
    assert trusts[31:] == sorted(trusts[31:])
    assert trusts[-1] == pytest.approx(0.8, abs=0.01)


def test_modalities_that_agree_gain_trust_within_its_bounds():
    call = Call("video", "audio", online=True)
    for at_ms in range(0, 600_000, 1000):
        call.say("video", at_ms, at_ms, HAPPY)
        call.say("audio", at_ms, at_ms + 1000, HAPPY)
    call.end(600_000)
    trusts = [s.trust for s in call.of("audio")]
    assert trusts == sorted(trusts)
    assert trusts[-1] == pytest.approx(0.8 * trust.BEST, abs=1e-3)
    assert max(s.trust for pane in call.finals() for s in pane.modalities) <= 1.0


def test_an_operators_word_stands_over_what_was_learnt_and_held_words_fade_all_the_same():
    call = Call("video", "text", online=True, hold_ms={"text": 5000})
    call.engine.override({"text": 1.0, "video": 0.0})
    call.say("text", 0, 1000, SAD)
    call.say("video", 0, 0, HAPPY)
    call.abstain("text", 1000, 2000)
    call.say("video", 1000, 1000, HAPPY)
    call.end(2000)
    assert [s.trust for s in call.of("text")] == pytest.approx([1.0, trust.freshness(1000)], abs=1e-6)
    assert [s.trust for s in call.of("video")] == [trust.BOUNDS[0]] * 2


# 0         1000      2000      3000      the early pane of the second window holds what the first final said
# v         v         v
# [....t....]
def test_early_panes_go_on_from_the_last_final_and_change_nothing():
    call = Call("video", "text", hold_ms={"text": 5000}, early=("video",))
    call.say("text", 0, 1000)
    for at_ms in (0, 1000, 2000, 3000):
        call.say("video", at_ms, at_ms)
    early = [pane for pane in call.panes if pane.pane == "early"]
    assert [[s.state for s in pane.modalities] for pane in early] == [["present", "held"]] * 2
    assert [pane.modalities[1].age_ms for pane in early] == [1000, 2000]
    call.say("text", 1000, 3000)
    assert [s.state for s in call.of("text")] == ["present"] * 3
