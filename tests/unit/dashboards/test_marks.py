"""Marks of a call drawn as a line, one character a second."""

import pytest
from support.session_lines import labelled, split, tenths

from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display
from affectstream.analytics.rules import Rule
from affectstream.analytics.summary import summarise
from affectstream.dashboards.marks import Mark, marks

RULE = Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=1)


def shown(found: list[Mark], kind: str) -> list[tuple[int, int, str]]:
    return [(m.start_ms // 1000, m.end_ms // 1000, m.text) for m in found if m.kind == kind]


def test_a_turning_point_is_an_instant_with_a_sentence() -> None:
    found = marks(summarise(labelled("nnnnnnnnaaaaaaaa"), Display()), ())

    assert shown(found, "turning_point") == [(8, 8, "customer: from neutral to angry")]


def test_a_contradiction_lasts_and_says_who_contradicts_whom() -> None:
    (party,) = summarise(split("..999999.."), Display()).parties
    found = marks(summarise(split("..999999.."), Display()), ())

    assert shown(found, "contradiction") == [
        (each.start_ms // 1000, each.end_ms // 1000, f"customer: {each.text}") for each in party.episodes
    ]
    assert party.episodes


@pytest.mark.parametrize(("line", "end"), [("0999900", None), ("0999999", 7)])
def test_an_alert_lasts_to_its_end_or_to_the_newest_window(line: str, end: int | None) -> None:
    finals = tenths(line)
    edges = alerts([RULE], finals)
    over = [edge.end_ms // 1000 for edge in edges if edge.edge == "end"]
    (mark,) = shown(marks(summarise(finals, Display()), edges), "alert")

    assert mark[0] == edges[0].since_ms // 1000
    assert mark[1] == (end or over[0])
    assert mark[2] == edges[0].text


def test_marks_come_by_their_start() -> None:
    finals = labelled("nnnnnnnnaaaaaaaannnnnnnnaaaaaaaa")
    found = marks(summarise(finals, Display()), alerts([RULE], finals))

    assert {mark.kind for mark in found} == {"alert", "turning_point"}
    assert [mark.start_ms for mark in found] == sorted(mark.start_ms for mark in found)
