"""Which label is displayed: hysteresis, minimum dwell and none where it is uncertain."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.session_lines import LETTERS, spread, window

from affectstream.analytics.against_usual import against_usual
from affectstream.analytics.label import NOTHING, Display, LabelFold, display_as, labels, step
from affectstream.analytics.usual import shipped
from affectstream.runtime.settings import LabelSettings
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import ModalityState


def mix(happy, sad):
    """A distribution with so much of happy and of sad; the rest is spread over the others."""
    rest = (1.0 - happy - sad) / 5
    return tuple({"happy": happy, "sad": sad}.get(name, rest) for name in EMOTIONS)


def windows(ps, **other):
    return [window(i, p, **other) for i, p in enumerate(ps)]


def run(display, ps):
    """Return what is displayed for windows of a second with these distributions, one after the other."""
    return [(d.label and d.label[:2], d.since_ms) for d in labels(display, windows(ps))]


HAPPY, SAD, SADDER = mix(0.45, 0.35), mix(0.35, 0.45), mix(0.2, 0.6)


# happy sad happy sad            each window's own label, by default
def test_by_default_the_label_is_displayed():
    assert run(Display(), [HAPPY, SAD, SAD, HAPPY]) == [("ha", 0), ("sa", 1000), ("sa", 1000), ("ha", 3000)]


# happy  sad by 0.10  sad by 0.40     a margin of 0.2 holds the first change back
def test_a_label_stays_until_another_leads_by_the_margin():
    display = Display(hysteresis=0.2)
    assert run(display, [HAPPY, SAD, SADDER, HAPPY]) == [("ha", 0), ("ha", 0), ("sa", 2000), ("sa", 2000)]


# happy sad sad sad               shown for two seconds at least
def test_a_label_stays_for_the_dwell():
    display = Display(dwell_ms=2000)
    assert run(display, [HAPPY, SADDER, SADDER, HAPPY, HAPPY]) == [
        ("ha", 0),
        ("ha", 0),
        ("sa", 2000),
        ("sa", 2000),
        ("ha", 4000),
    ]


def test_an_uncertain_label_is_not_displayed_and_hysteresis_goes_on():
    display = Display(hysteresis=0.2, min_probability=0.5)
    sure_happy = mix(0.6, 0.2)
    assert run(display, [sure_happy, SAD, sure_happy]) == [("ha", 0), (None, 0), ("ha", 0)]


# happy  nothing  sad by 0.10         the margin does not reach over a window without evidence
def test_a_window_without_evidence_ends_the_memory():
    assert run(Display(hysteresis=0.2, dwell_ms=9000), [HAPPY, None, SAD]) == [
        ("ha", 0),
        (None, None),
        ("sa", 2000),
    ]


@pytest.mark.parametrize(
    ("set_to", "rule", "displayed"),
    [
        pytest.param(None, "uniform", "sad", id="a rule without a fitted minimum: always displayed"),
        pytest.param(None, "log_pool", None, id="below what was fitted for the rule"),
        pytest.param(None, "log_pool/1a2b3c4d+override", None, id="the rule of a fitted file, overridden"),
        pytest.param(0.4, "log_pool", "sad", id="as set"),
        pytest.param(0.0, "log_pool", "sad", id="never uncertain, against what was fitted"),
    ],
)
def test_a_label_is_uncertain_below_what_is_set_or_fitted(set_to, rule, displayed):
    display = Display(min_probability=set_to, fitted={"log_pool": 0.5})
    found = step(display, NOTHING, window(0, SAD, rule=rule))
    assert (found.label, found.smoothed, found.uncertain) == (displayed, "sad", displayed is None)


# happy final, sad early, happy final   an early pane is compared with the final before it, and not remembered
def test_an_early_pane_is_no_part_of_the_fold():
    fold = LabelFold(Display(dwell_ms=1000))
    assert fold.add(window(0, HAPPY)).since_ms == 0
    assert fold.add(window(1, SAD, pane="early")).since_ms == 1000
    assert fold.add(window(1, HAPPY)).since_ms == 0


def test_parties_do_not_mix_and_a_final_that_comes_again_changes_nothing():
    fold, display = LabelFold(Display(hysteresis=0.2)), Display(hysteresis=0.2)
    mixed = [
        w
        for pair in zip(windows([HAPPY, SAD]), windows([SAD, HAPPY], party="agent"), strict=True)
        for w in pair
    ]
    assert [d.label for d in labels(display, mixed)] == ["happy", "sad", "happy", "sad"]
    again = [HAPPY, SADDER, HAPPY]
    first = [fold.add(w) for w in windows(again)]
    fold.add(window(0, SAD))
    assert fold.add(window(3, SAD)) == labels(display, windows([*again, SAD]))[-1]
    assert first == labels(display, windows(again))


shares = st.lists(st.floats(0.01, 1.0), min_size=7, max_size=7).map(lambda r: tuple(x / sum(r) for x in r))


@given(
    ps=st.lists(shares, min_size=1, max_size=12),
    margin=st.floats(0, 1),
    dwell_ms=st.sampled_from([0, 1500, 4000]),
)
def test_changes_lie_a_dwell_apart_and_every_new_label_leads(ps, margin, dwell_ms):
    shown = run(Display(margin, dwell_ms), ps)
    changes = [since for (_, before), (_, since) in pairwise(shown) if since != before]
    begins = [0, *changes]
    assert all(b - a >= dwell_ms for a, b in pairwise(begins))
    for i, start_ms in enumerate(changes, start=1):
        new, old = shown[start_ms // 1000][0], shown[begins[i - 1] // 1000][0]
        p = dict(zip([name[:2] for name in EMOTIONS], ps[start_ms // 1000], strict=True))
        assert p[new] == max(p.values())
        assert p[new] - p[old] >= margin


@given(ps=st.lists(st.none() | shares, min_size=1, max_size=12), start=st.integers(0, 11))
def test_without_hysteresis_and_dwell_a_reader_may_start_anywhere(ps, start):
    display = Display(min_probability=0.3)
    assert display.memoryless
    whole = labels(display, windows(ps))
    assert [d.label for d in whole[start:]] == [d.label for d in labels(display, windows(ps)[start:])]


@given(
    ps=st.lists(shares, min_size=1, max_size=6),
    later=st.lists(shares, min_size=1, max_size=6),
    margin=st.floats(0, 1),
    dwell_ms=st.sampled_from([0, 1500, 4000]),
)
def test_a_window_without_evidence_is_a_place_to_start_from(ps, later, margin, dwell_ms):
    display = Display(margin, dwell_ms)
    assert not replace(display, dwell_ms=1).memoryless
    whole = windows([*ps, None, *later])
    assert labels(display, whole)[len(ps) :] == labels(display, whole[len(ps) :])


MEASURED = Display(routine={"a-voice": spread("neutral", 0.7)})


def heard(line, share=0.5):
    """Windows of a voice alone by the letters of their emotions, "." for no evidence."""
    found = []
    for i, letter in enumerate(line):
        p = None if letter == "." else spread(LETTERS[letter], share)
        voice = ModalityState(
            modality="audio", state="present", p=p or HAPPY, weight=1.0, count=1, model_id="a-voice"
        )
        found.append(window(i, p, modalities=(voice,)))
    return found


def drawn(found):
    """The letters of what is displayed, "?" for none of a window with evidence."""
    letters = {name: letter for letter, name in LETTERS.items()}
    return "".join(letters[d.label] if d.label else "?" if d.smoothed else "." for d in found)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("a" * 14, "a" * 10 + "????", id="what is usual is not displayed once it is known"),
        pytest.param("a" * 12 + "ffna", "a" * 10 + "??ffn?", id="something else is"),
        pytest.param("aa.aaaaaaaa.na", "aa.aaaaaaaa.n?", id="silence does not end what is known"),
        pytest.param("n" * 14 + "aa", "n" * 14 + "aa", id="who is calm by habit may be angry"),
    ],
)
def test_an_emotion_is_displayed_that_is_not_the_voices_habit(line, expected):
    assert drawn(labels(MEASURED, heard(line))) == expected
    assert drawn(labels(Display(), heard(line))) == line


def test_who_is_plainly_angry_all_along_stays_so():
    assert drawn(labels(MEASURED, heard("a" * 30, 0.9))) == "a" * 30


def test_a_minute_is_what_is_usual_and_an_early_pane_adds_nothing():
    whole = labels(MEASURED, heard("a" * 90))
    assert whole[59].usual == whole[89].usual != whole[58].usual
    fold = LabelFold(MEASURED)
    early = heard("a")[0].model_copy(update={"pane": "early"})
    assert [fold.add(early).usual.length_ms, fold.add(early).usual.length_ms] == [1000, 1000]


def test_the_setting_says_whether_the_usual_voice_counts():
    assert display_as(LabelSettings().model_dump(), None).routine == shipped()
    assert display_as(LabelSettings(usual=False).model_dump(), None).routine == {}


def test_a_habit_of_the_voice_is_no_contradiction_of_the_words():
    calm = ModalityState(modality="text", state="present", p=spread("neutral", 0.9), weight=0.5, count=1)
    said = [
        each.model_copy(update={"modalities": (*each.modalities, calm), "disagreement": 0.4})
        for each in heard("a" * 60, 0.5)
    ]
    seen = against_usual(MEASURED, said)
    assert [each.disagreement for each in seen[:10]] == [0.4] * 10
    assert max(each.disagreement for each in seen[15:]) < 0.3
    voice, words = seen[-1].modalities
    assert (words, sum(voice.p)) == (calm, pytest.approx(1.0))
    assert voice.p[EMOTIONS.index("neutral")] > 2 * said[-1].modalities[0].p[EMOTIONS.index("neutral")]
    assert against_usual(Display(), said) == said
    alone = heard("a" * 60, 0.5)
    assert {each.disagreement for each in against_usual(MEASURED, alone)} == {0.0}
