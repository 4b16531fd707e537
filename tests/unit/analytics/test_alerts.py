"""Alerts on timelines, one character a second: "(" an alert begins with this window, ")" it ends with it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.session_lines import marks, split, spread, states, tenths, window

from affectstream.analytics.alerts import alerts, fold, start, step
from affectstream.analytics.rules import Rule, read
from affectstream.models.weights import read_card
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.messages import FusedEmotion, ModalityState

ABOVE = Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=3, hysteresis=0.2)
RISE = Rule(name="up", kind="rise", emotions=("angry",), level=0.3, seconds=4, hysteresis=0.2)
MEAN = Rule(name="mean", kind="average", emotions=("angry",), level=0.5, seconds=4, hysteresis=0.2)
OWN = Rule(
    name="own", kind="average", emotions=("angry",), level=0.5, seconds=4, hysteresis=0.2, above_own=0.3
)
SPLIT = Rule(name="mixed", kind="disagreement", level=0.5, seconds=2, hysteresis=0.2)


def changed(rule: Rule, **fields: object) -> Rule:
    return Rule.model_validate(rule.model_dump() | fields)


CASES = [
    # tenths of anger over seconds, and what the rule makes of them
    pytest.param(ABOVE, "1116661111", "     ()   ", id="begins once it has held for 3 s, ends below 0.4"),
    pytest.param(ABOVE, "1166166111", "          ", id="one window below the level counts anew"),
    pytest.param(ABOVE, "6665454541", "  (      )", id="hysteresis: between 0.4 and 0.6 it goes on"),
    pytest.param(ABOVE, "6663", "  ()", id="it may end at once"),
    pytest.param(ABOVE, "66.6", "   (", id="a window without evidence does not count and breaks nothing"),
    pytest.param(ABOVE, "66....6", "       ", id="after too long without evidence it counts anew"),
    pytest.param(ABOVE, "666....1", "  (    )", id="a window without evidence does not end it"),
    pytest.param(
        changed(ABOVE, min_confidence=0.3), "1??????1", "        ", id="unsure windows start nothing"
    ),
    pytest.param(
        changed(ABOVE, min_confidence=0.3, emotions=["happy"], level=0.05, hysteresis=0.01),
        "111??1", "  (   ", id="unsure windows end nothing",
    ),
    pytest.param(ABOVE, "6661666", "  ()  (", id="without a cooldown it may begin again"),
    pytest.param(changed(ABOVE, cooldown_s=2), "66616666666", "  ()    (  ", id="a cooldown counts nothing"),
    pytest.param(changed(ABOVE, parties=["agent"]), "66666666", "        ", id="only who is named"),
    pytest.param(ABOVE, "666666", "  (   ", id="the end of a call is no end of an alert"),
    pytest.param(RISE, "111155555555", "      (    )", id="4 s are 0.3 above the 4 s before"),
    pytest.param(RISE, "1122334455667", "             ", id="a slow rise is none"),
    pytest.param(RISE, "5555", "    ", id="without a past there is no rise"),
    pytest.param(RISE, "11..55..555", "     (   ) ", id="half of either side is enough"),
    pytest.param(RISE, "1...5555", "        ", id="less than half of a side is not"),
    pytest.param(RISE, "55551111", "        ", id="a fall is no rise"),
    pytest.param(MEAN, "1111919199", "      (   ", id="the mean of 4 s counts, not every second"),
    pytest.param(MEAN, "9999111111", " (     )  ", id="2 s of 4 are enough, it ends below 0.3"),
    pytest.param(MEAN, "9..9..9", "   (   ", id="a mean over less than half of its time is none"),
    pytest.param(OWN, "1" * 16 + "8888", " " * 18 + "( ", id="0.3 above 0.1 is below the level"),
    pytest.param(OWN, "4" * 16 + "9999", " " * 18 + "( ", id="whose own level is 0.4 needs 0.7 first"),
    pytest.param(OWN, "4" * 16 + "6666", " " * 20, id="and has not reached it here"),
    pytest.param(OWN, "8888888888888888", "  (             ", id="who is angry from the start is found too"),
    pytest.param(OWN, "99..99..99", "          ", id="by a mean over most of its time, not half"),
    pytest.param(OWN, "99999.1.1.1.1", "  (     )    ", id="over half of it is over all the same"),
    pytest.param(OWN, "7777777777777777", " " * 16, id="if plainly: half way to 1 before an own level"),
    pytest.param(OWN, "8" * 20 + "1" * 9, "  (" + " " * 18 + ")" + " " * 7, id="an alert is no own level"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "line", "expected"), CASES)
def test_rules_on_a_timeline(rule: Rule, line: str, expected: str) -> None:
    assert marks(alerts([rule], tenths(line)), len(line)) == expected


RELATIVE = Rule(
    name="relative", kind="average", emotions=("angry",), level=0.5, seconds=4, hysteresis=0.2,
    relative={"a-voice": spread("neutral", 0.7)},
)  # fmt: skip
USUAL = [
    pytest.param("4" * 40 + "8888", " " * 44, id="0.8 is little for whom 0.4 is usual"),
    pytest.param("0" * 40 + "3333", " " * 42 + "( ", id="0.3 is much for whom nothing is usual"),
    pytest.param("." * 40 + "3333", " " * 44, id="and nothing for whom nothing is known"),
    pytest.param("8888", "  ( ", id="who is angry from the start is found too"),
]  # fmt: skip


def heard(line: str, model: str = "a-voice") -> list[FusedEmotion]:
    """Windows of a voice alone, by tenths of anger."""
    return [
        one.model_copy(update={"modalities": (voice.model_copy(update={"p": one.p, "model_id": model}),)})
        for one in tenths(line)
        for voice in [ModalityState(modality="audio", state="present", weight=1.0, count=1)]
    ]


@pytest.mark.parametrize(("line", "expected"), USUAL)
def test_a_relative_rule_on_a_timeline(line: str, expected: str) -> None:
    assert marks(alerts([RELATIVE], heard(line)), len(line)) == expected


def test_a_relative_rule_measures_nothing_of_a_model_that_it_does_not_know() -> None:
    assert alerts([RELATIVE], heard("0" * 40 + "88888888", "another")) == []


def test_a_relative_rule_measures_the_voice_whatever_else_is_there() -> None:
    alone = heard("0" * 40 + "3333")
    words = states(text="happy")
    beside = [
        one.model_copy(update={"modalities": (*one.modalities, *words), "p": words[0].p}) for one in alone
    ]
    assert alerts([RELATIVE], beside) == alerts([RELATIVE], alone) != []


@pytest.mark.parametrize(("said", "begun"), [("sad", 0), ("neutral", 1), ("happy", 1)])
def test_words_may_speak_against_a_voice(said: str, begun: int) -> None:
    rule = changed(RELATIVE, against_words=["sad", "fear"])
    beside = [
        one.model_copy(update={"modalities": (*one.modalities, *states(text=said))})
        for one in heard("0" * 40 + "3333")
    ]
    assert len(alerts([rule], beside)) == begun


def test_the_evidence_of_a_relative_alert_is_relative_too() -> None:
    (begin,) = alerts([RELATIVE], heard("0" * 40 + "3333"))
    assert begin.baseline == pytest.approx(0.0, abs=0.01)
    assert begin.levels[0].level == pytest.approx(begin.value)
    assert begin.text.startswith(
        "customer: angry in the voice at least 0.50 against its usual for 4 s (own level"
    )


AGAINST = changed(MEAN, against=["happy", "surprise"])


@pytest.mark.parametrize(("happy", "begun"), [(0.1, 1), (0.22, 1), (0.24, 0), (0.5, 0)])
def test_rivals_may_be_half_as_probable(happy: float, begun: int) -> None:
    p = (0.55 - happy, happy, 0.0, 0.45, 0.0, 0.0, 0.0)
    rule = changed(AGAINST, level=0.4, hysteresis=0.1)
    assert len(alerts([rule], [window(i, p) for i in range(6)])) == begun


SPLITS = [
    pytest.param("0055550", "   (  )", id="begins after 2 s, ends below 0.3"),
    pytest.param("05405550", "     ( )", id="it has to hold"),
    pytest.param("55.....50", " (      )", id="one modality alone cannot disagree, and settles nothing"),
    pytest.param("5....5550", "      ( )", id="nor does it count"),
]


@pytest.mark.parametrize(("line", "expected"), SPLITS)
def test_disagreement_on_a_timeline(line: str, expected: str) -> None:
    assert marks(alerts([SPLIT], split(line)), len(line)) == expected


def test_emotions_are_added_up() -> None:
    both = changed(ABOVE, emotions=["angry", "disgust"])
    p = (0.4, 0.0, 0.0, 0.3, 0.0, 0.3, 0.0)
    assert marks(alerts([both], [window(i, p) for i in range(4)]), 4) == "  ( "
    assert not alerts([ABOVE], [window(i, p) for i in range(4)])


def test_an_alert_holds_its_start_value_and_peak() -> None:
    begin, end = alerts([ABOVE], tenths("1169811"))
    assert begin.alert_id == end.alert_id == "angry/call/customer/2000"
    assert (begin.since_ms, begin.start_ms, begin.end_ms) == (2000, 4000, 5000)
    assert (begin.value, begin.peak, begin.level) == (0.8, 0.9, 0.6)
    assert begin.text == "customer: angry at least 0.60 for 3 s"
    assert (end.since_ms, end.start_ms, end.value, end.peak) == (2000, 5000, 0.1, 0.9)
    assert end.text == "customer: angry at least 0.60 is over after 3 s, highest 0.90"


def test_a_rise_starts_with_the_later_half() -> None:
    begin = alerts([RISE], tenths("11115555"))[0]
    assert (begin.since_ms, begin.end_ms) == (3000, 7000)
    assert begin.value == pytest.approx(0.3)
    assert begin.text == "customer: angry up by at least 0.30 within 4 s"


def test_an_alert_states_the_windows_the_levels_and_the_own_level_behind_it() -> None:
    voice, words = states(audio="angry"), states(audio="angry", text="neutral")
    calm = [window(i, spread("angry", 0.1), modalities=states(audio="neutral")) for i in range(16)]
    begin = alerts([OWN], calm + [window(16 + i, spread("angry", 0.8), modalities=words) for i in range(4)])[
        0
    ]
    assert (begin.windows, begin.baseline, begin.level, begin.value) == (4, 0.1, 0.5, 0.625)
    assert [(each.modality, each.level) for each in begin.levels] == [("audio", 0.5375), ("text", 0.05)]
    assert begin.text == (
        "customer: angry at least 0.50 and 0.30 above the own level for 4 s "
        "(own level 0.10, voice 0.54, words 0.05)"
    )
    begin = alerts([ABOVE], [window(i, spread("angry", 0.8), modalities=voice) for i in range(3)])[0]
    assert (begin.windows, begin.baseline) == (3, None)
    assert begin.text == "customer: angry at least 0.60 for 3 s (voice 0.70)"


def test_an_own_level_is_the_first_minute() -> None:
    """After a minute it is what it was, however long the call goes on."""
    line = "1" * 66 + "3" * 200 + "7" * 4
    begin = alerts([OWN], tenths(line))[0]
    assert begin.baseline == 0.1


def test_a_disagreement_names_the_label_of_each_modality() -> None:
    begin = alerts([SPLIT], split("055"))[0]
    assert begin.text == "customer: modalities disagree by at least 0.50 for 2 s (words neutral, voice angry)"


def test_parties_are_folded_apart() -> None:
    rule = changed(ABOVE, parties=["customer", "agent"])
    mixed = [w for pair in zip(tenths("666111"), tenths("111666", party="agent"), strict=True) for w in pair]
    found = alerts([rule], mixed)
    assert [(a.party, a.edge, a.start_ms) for a in found] == [
        ("customer", "begin", 2000), ("customer", "end", 3000), ("agent", "begin", 5000)
    ]  # fmt: skip


RULES = (
    ABOVE,
    RISE,
    MEAN,
    OWN,
    SPLIT,
    changed(ABOVE, name="calm", emotions=["neutral"], level=0.2, hysteresis=0.05, cooldown_s=3),
)
LINES = st.lists(st.tuples(st.sampled_from(".?0123456789"), st.integers(0, 9)), max_size=40)

quickly = settings(max_examples=40, deadline=None)


def timeline(drawn: list[tuple[str, int]]):
    parts = zip(tenths("".join(c for c, _ in drawn)), split("".join(str(d) for _, d in drawn)), strict=True)
    return [
        w.model_copy(update={"disagreement": s.disagreement, "modalities": s.modalities}) for w, s in parts
    ]


@quickly
@given(LINES, st.lists(st.integers(0, 60), max_size=5))
def test_folded_in_pieces_as_in_one_go(drawn, cuts) -> None:
    windows, state, pieces, at = timeline(drawn), start(RULES), [], 0
    for cut in [*sorted(cuts), len(windows)]:
        state, found = fold(RULES, state, windows[at:cut])
        pieces += found
        at = max(at, cut)
    assert (state, pieces) == fold(RULES, start(RULES), windows)


@quickly
@given(LINES, st.integers(0, 60))
def test_later_windows_never_change_what_was_decided(drawn, cut) -> None:
    windows = timeline(drawn)
    early, whole = alerts(RULES, windows[:cut]), alerts(RULES, windows)
    assert whole[: len(early)] == early


@quickly
@given(LINES, st.data())
def test_windows_that_come_again_change_nothing(drawn, data) -> None:
    windows = timeline(drawn)
    state, found = start(RULES), []
    for i, each in enumerate(windows):
        state, new = step(RULES, state, each)
        found += new
        again = windows[data.draw(st.integers(0, i))]
        assert step(RULES, state, again) == (state, [])
    assert found == fold(RULES, start(RULES), windows)[1]


@quickly
@given(LINES)
def test_begins_and_ends_alternate_under_distinct_ids(drawn) -> None:
    windows = timeline(drawn)
    found = alerts(RULES, windows)
    assert len({(a.alert_id, a.edge) for a in found}) == len(found)
    for rule in RULES:
        mine = [a for a in found if a.rule == rule.name]
        assert [a.edge for a in mine] == ["begin", "end"] * (len(mine) // 2) + ["begin"] * (len(mine) % 2)
        assert all(a.alert_id == b.alert_id for a, b in zip(mine[::2], mine[1::2], strict=False))
        for a in mine:
            assert a.value >= a.level if a.edge == "begin" else a.value < a.level - rule.hysteresis
            assert a.level >= rule.level
            assert a.peak >= a.value


@quickly
@given(LINES)
def test_alerts_survive_the_wire(drawn) -> None:
    for alert in alerts(RULES, timeline(drawn)):
        assert decode(encode(alert), 8 * 1024) == alert


def test_the_shipped_rules_apply_to_the_customer_and_each_can_fire() -> None:
    rules = read()
    assert {rule.kind for rule in rules} == {"average", "disagreement"}
    assert all(rule.parties == ("customer",) for rule in rules)
    angry = [window(i, spread("angry", 0.1 if i < 20 else 0.9)) for i in range(40)]
    sad = [window(i, spread("sad", 0.9)) for i in range(12)]
    raised = heard("0" * 20 + "8" * 20, read_card("voice").model_id)
    fired = {a.rule for windows in (angry, raised, sad, split("9" * 10)) for a in alerts(rules, windows)}
    assert fired == {rule.name for rule in rules}
