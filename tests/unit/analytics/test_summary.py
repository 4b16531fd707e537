"""Summaries of drawn sessions, one character a second: n h s a f d u by the label, "." for no evidence."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.session_lines import labelled, split, spread, states, window

from affectstream.analytics.changes import LEVEL, SIDE_MS, divergence, episodes, turning_points
from affectstream.analytics.label import Display
from affectstream.analytics.summary import summarise
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import ModalityState


def customer(line: str):
    (party,) = summarise(labelled(line), Display()).parties
    return party


def test_shares_are_of_the_time_and_the_longest_dominate() -> None:
    party = customer("nnnnnnaaaah.........")
    assert party.shares == {"neutral": 0.3, "happy": 0.05, "angry": 0.2}
    assert party.dominant == ("neutral", "angry")
    assert party.unknown == 0.45
    assert sum(party.shares.values()) + party.unknown == pytest.approx(1.0)
    assert sum(party.mean.values()) == pytest.approx(1.0, abs=1e-5)
    assert party.mean["neutral"] == pytest.approx((6 * 0.8 + 5 * 0.2 / 6) / 11, abs=1e-6)


def test_what_is_not_displayed_is_unsure() -> None:
    (party,) = summarise(labelled("nnaa."), Display(min_probability=0.9)).parties
    assert (party.shares, party.unsure, party.unknown, party.dominant) == ({}, 0.8, 0.2, ())


def test_levels_are_measured_against_the_usual_voice_and_changes_are_not() -> None:
    display = Display(routine={"a-voice": spread("neutral", 0.7)})
    p = (0.3, 0.1, 0.1, 0.4, 0.05, 0.03, 0.02)
    voice = ModalityState(modality="audio", state="present", p=p, weight=1.0, count=1, model_id="a-voice")
    finals = [window(i, p, modalities=(voice,)) for i in range(100)]
    (party,), (plain,) = (summarise(finals, each).parties for each in (display, Display()))
    assert (plain.shares, plain.mean["angry"]) == ({"angry": 1.0}, pytest.approx(0.4))
    assert (party.shares, party.unsure) == ({"angry": 0.1}, 0.9)
    assert party.mean["neutral"] > party.mean["angry"]
    assert [(q.label, r.label) for q, r in zip(party.quarters, plain.quarters, strict=True)] == [
        ("neutral", "angry")
    ] * 4
    assert (party.change, party.turning_points) == (plain.change, plain.turning_points)


def test_quarters_are_of_the_call_and_a_party_may_be_away_in_one() -> None:
    #        |  1  |  2  |  3  |  4  |
    finals = labelled("nnnnnaaaaannnnnhhhhh") + labelled("ss..s", party="agent")
    customer_s, agent_s = summarise(finals, Display()).parties
    assert [q.label for q in customer_s.quarters] == ["neutral", "angry", "neutral", "happy"]
    assert [(q.start_ms, q.end_ms) for q in agent_s.quarters] == [
        (n * 5000, n * 5000 + 5000) for n in range(4)
    ]
    assert [q.label for q in agent_s.quarters] == ["sad", None, None, None]
    assert [q.unknown for q in agent_s.quarters] == [0.4, 1.0, 1.0, 1.0]


def test_change_is_the_last_fifth_less_the_first() -> None:
    party = customer("nn......aa")
    assert party.change["angry"] == pytest.approx(0.8 - 0.2 / 6, abs=1e-6)
    assert party.change["neutral"] == -party.change["angry"]
    assert sum(party.change.values()) == pytest.approx(0.0, abs=1e-5)
    assert customer("nn......aa"[:-2] + "..").change is None


def test_a_party_without_evidence_has_no_mean() -> None:
    party = customer("....")
    assert (party.mean, party.change, party.dominant, party.unknown) == (None, None, (), 1.0)
    assert (party.confidence, party.turning_points, party.episodes) == (0.0, (), ())
    with pytest.raises(InputError, match="no window"):
        summarise([], Display())


TURNS = [
    pytest.param("nnnnnnnnaaaaaaaa", [(8, "neutral", "angry")], id="a turn is where the sides part"),
    pytest.param("nnnnnnnnnnnnnnnnnnnn", [], id="none where nothing changes"),
    pytest.param("nnnnnnnnnannnnnnnnnn", [], id="one window is no turn"),
    pytest.param("nnnnnnnn....aaaaaaaa", [(12, "neutral", "angry")], id="after a gap"),
    pytest.param("nnnnnnnn........aaaaaaaa", [], id="too long a gap hides when it was"),
    pytest.param("nnnaaaaaaaa", [(4, "neutral", "angry")], id="near the start it is told late"),
    pytest.param("naaaaaaaaaa", [], id="too little before"),
    pytest.param(
        "nnnnnnnnaaaaaaaahhhhhhhh", [(8, "neutral", "angry"), (16, "angry", "happy")], id="two turns"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), TURNS)
def test_turning_points_on_a_timeline(line: str, expected: list[tuple[int, str, str]]) -> None:
    found = turning_points(labelled(line))
    assert [(t.at_ms // 1000, t.before, t.after) for t in found] == expected
    assert all(LEVEL <= t.strength <= 1.0 for t in found)


EPISODES = [
    pytest.param("0044300", [(2, 5)], id="from its first window to the one that is below"),
    pytest.param("0333222100", [(1, 7)], id="hysteresis"),
    pytest.param("0400400", [], id="a single window is none"),
    pytest.param("004444", [(2, 6)], id="an open one lasts until the end"),
    pytest.param("44...44", [(0, 7)], id="a short while with one modality alone does not end it"),
    pytest.param("44....44", [(0, 2), (6, 8)], id="a long one does"),
]


@pytest.mark.parametrize(("line", "expected"), EPISODES)
def test_episodes_on_a_timeline(line: str, expected: list[tuple[int, int]]) -> None:
    found = episodes(split(line))
    assert [(e.start_ms // 1000, e.end_ms // 1000) for e in found] == expected
    assert all(e.text == "words neutral, voice angry" for e in found)
    assert all(e.said == {"audio": "angry", "text": "neutral"} for e in found)


def test_an_episode_names_the_mean_label_of_each_modality() -> None:
    halves = [
        states(video="happy", audio="angry"),
        states(video="happy", audio="angry"),
        states(video="sad", audio="angry"),
    ]
    windows = [window(i, spread("angry", 0.5), disagreement=0.5, modalities=m) for i, m in enumerate(halves)]
    assert episodes(windows)[0].text == "face happy, voice angry"


def test_an_episode_in_which_all_have_the_same_mean_label_names_what_differed_most() -> None:
    thrice = [states(text="neutral", audio=label) for label in ("neutral", "happy", "neutral")]
    windows = [
        window(i, spread("neutral", 0.5), disagreement=0.4 + 0.1 * (i == 1), modalities=m)
        for i, m in enumerate(thrice)
    ]
    assert episodes(windows)[0].text == "words neutral, voice happy"
    alike = [window(i, spread("neutral", 0.5), disagreement=0.4, modalities=thrice[0]) for i in range(3)]
    assert episodes(alike)[0].text == "words and voice neutral, not equally surely"


def test_divergence_is_zero_of_equals_and_one_of_opposites() -> None:
    equal, opposite = [spread("angry", 0.8)] * 2, [spread("angry", 1.0), spread("sad", 1.0)]
    assert divergence(np.array([equal, opposite])) == pytest.approx([0.0, 1.0], abs=1e-12)


LINES = st.text("nhsafdu.", min_size=1, max_size=50)


@settings(max_examples=40, deadline=None)
@given(LINES, LINES, st.randoms(use_true_random=False))
def test_the_order_of_the_windows_does_not_matter(customer_line, agent_line, random) -> None:
    windows = labelled(customer_line) + labelled(agent_line, party="agent")
    shuffled = random.sample(windows, len(windows))
    assert summarise(shuffled, Display()) == summarise(windows, Display())


@settings(max_examples=40, deadline=None)
@given(LINES)
def test_turning_points_keep_their_distance(line) -> None:
    points = turning_points(labelled(line))
    times = [t.at_ms for t in points]
    assert all(t.before != t.after for t in points)
    assert times == sorted(times)
    assert all(b - a >= SIDE_MS for a, b in pairwise(times))
