"""The need of a party and the valence of its emotions."""

import pytest

from affectstream.analytics.need import active, need, valence
from affectstream.schemas.alert import Alert

ANGRY = (0.1, 0.1, 0.1, 0.5, 0.0, 0.2, 0.0)


def alert(end_ms: int, edge: str = "begin", rule: str = "angry") -> Alert:
    return Alert(
        alert_id=f"{rule}/call/customer/0",
        edge=edge,
        session_id="call",
        party="customer",
        rule=rule,
        kind="above",
        since_ms=0,
        start_ms=end_ms - 1000,
        end_ms=end_ms,
        value=0.7,
        peak=0.7,
        level=0.6,
        text="customer: angry at least 0.60",
    )


@pytest.mark.parametrize(
    ("p", "disagreement", "begun_ms", "expected"),
    [
        (None, 0.0, [], 0.0),
        (ANGRY, 0.0, [], 0.3 * 0.7),
        (ANGRY, 0.5, [], 0.3 * 0.7 + 0.05),
        (None, 0.0, [200_000], 0.2 + 0.2),
        (None, 0.0, [140_000], 0.2 + 0.1),
        (None, 0.0, [80_000], 0.2),
        (None, 0.0, [80_000, 140_000], 0.3 + 0.1),
    ],
)
def test_the_need_is_that_of_its_formula(p, disagreement, begun_ms, expected):
    assert need(p, disagreement, 200_000, [alert(at_ms) for at_ms in begun_ms]) == pytest.approx(expected)


@pytest.mark.parametrize(("p", "expected"), [(None, None), (ANGRY, -0.7), ((0, 1, 0, 0, 0, 0, 0), 1.0)])
def test_valence_is_happy_less_the_unpleasant(p, expected):
    assert valence(p) == expected


def test_an_alert_is_active_until_its_end():
    assert active([alert(5000), alert(3000, rule="sad"), alert(7000, "end")]) == [alert(3000, rule="sad")]
