"""New connections of one client: so many in a minute, half of them at once."""

import pytest

from affectstream.producers.gateway import newcomers
from affectstream.producers.gateway.newcomers import Newcomers, client


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def test_a_client_is_refused_beyond_its_limit_and_no_other_with_it():
    clock = Clock()
    made = Newcomers(60, clock)
    assert [made.admit("a") for _ in range(31)] == [True] * 30 + [False]
    assert made.admit("b")
    clock.now_s = 2.0
    assert [made.admit("a") for _ in range(3)] == [True, True, False]


def test_so_many_clients_are_remembered_at_most(monkeypatch):
    monkeypatch.setattr(newcomers, "MOST_CLIENTS", 3)
    made = Newcomers(2, Clock())
    assert all(made.admit(str(name)) for name in range(100))
    assert len(made._clients) == 3


@pytest.mark.parametrize(
    ("header", "value", "found"),
    [
        (None, "1.2.3.4", "10.0.0.1"),  # whoever names an address unasked is not believed
        ("x-forwarded-for", "1.2.3.4", "1.2.3.4"),
        ("x-forwarded-for", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # the proxy writes last
        ("x-forwarded-for", "", "10.0.0.1"),
    ],
)
def test_the_address_is_the_connections_or_what_the_proxy_names(header, value, found):
    assert client("10.0.0.1", {"x-forwarded-for": value}, header) == found
