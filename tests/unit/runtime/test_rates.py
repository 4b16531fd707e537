"""Rates by key: so many in a minute, some of them at once."""

import pytest

from affectstream.runtime import rates
from affectstream.runtime.rates import Rates


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_a_key_is_refused_beyond_its_limit_and_no_other_with_it():
    clock = Clock()
    made = Rates(60, 30, clock)
    assert [made.take("a") for _ in range(31)] == [True] * 30 + [False]
    assert made.wait_s("a") == pytest.approx(1.0)
    assert made.take("b")
    clock.now_s = 2.0
    assert [made.take("a") for _ in range(3)] == [True, True, False]
    clock.now_s = 1000.0
    assert [made.take("a") for _ in range(31)] == [True] * 30 + [False]


def test_a_slow_rate_admits_the_first():
    made = Rates(1, 0.1, Clock())
    assert made.take("a")
    assert made.wait_s("a") == pytest.approx(60.0)


def test_so_many_keys_are_remembered_at_most(monkeypatch):
    monkeypatch.setattr(rates, "MOST_KEYS", 3)
    made = Rates(2, 1, Clock())
    assert all(made.take(str(name)) for name in range(100))
    assert len(made._of) == 3
