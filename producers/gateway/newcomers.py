"""How many connections of one client are admitted in a time."""

from collections import OrderedDict
from collections.abc import Callable, Mapping

from affectstream.producers.gateway.rate import Rate

MOST_CLIENTS = 10_000  # the one that has not been seen for longest is forgotten


class Newcomers:
    """The connections of every client: ``per_minute`` of them for long, half as many at once."""

    def __init__(self, per_minute: int, now_s: Callable[[], float]) -> None:
        self._per_minute, self._now_s = per_minute, now_s
        self._clients: OrderedDict[str, Rate] = OrderedDict()

    def admit(self, client: str) -> bool:
        """Say whether one more connection of a client is within the limit, and count it."""
        rate = self._clients.pop(client, None)
        if rate is None:
            rate = Rate(self._per_minute / 60, max(1, self._per_minute // 2), self._now_s)
        self._clients[client] = rate
        if len(self._clients) > MOST_CLIENTS:
            self._clients.popitem(last=False)
        return rate.take()


def client(address: str, headers: Mapping[str, str], header: str | None) -> str:
    """Return who connects: the address, or what the nearest proxy names in ``header``."""
    named = headers.get(header, "") if header else ""
    return named.rpartition(",")[2].strip() or address
