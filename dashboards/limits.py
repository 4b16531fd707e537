"""How often an address may ask, how much a request may hold, and whose pages may read the answers."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware

ADDRESSES = 10_000  # that are remembered
BURST_S = 10.0  # of requests that may come at once
BODY_BYTES = 64 << 10  # of a request that uploads nothing
UPLOAD_BYTES = 32 << 20  # of one that uploads a recording


@dataclass(frozen=True)
class Limits:
    """What the settings of the API say."""

    requests_per_minute: int | None = None
    cors_origins: tuple[str, ...] = ()


@dataclass(eq=False)
class RateLimit:
    """A token bucket for each address: an even rate, with some seconds of it at once."""

    per_minute: int
    now_s: Callable[[], float] = time.monotonic
    _until_s: OrderedDict[str, float] = field(default_factory=OrderedDict)  # when all that came has been paid

    def __call__(self, request: Request) -> None:
        """Refuse a request of an address that asks too often, with 429 and when to ask again."""
        wait_s = self.wait_s(request.client.host if request.client else "")
        if wait_s:
            raise HTTPException(
                429,
                "too many requests from this address: see the setting api.requests_per_minute",
                {"Retry-After": str(math.ceil(wait_s))},
            )

    def wait_s(self, address: str) -> float:
        """Return how long an address has to wait; 0 where it need not, and its request counts."""
        now_s, each_s = self.now_s(), 60.0 / self.per_minute
        until_s = max(now_s, self._until_s.get(address, now_s))
        if until_s - now_s > max(BURST_S, each_s) - each_s + 1e-9:
            return until_s - now_s - max(BURST_S, each_s) + each_s
        self._until_s[address] = until_s + each_s
        self._until_s.move_to_end(address)
        if len(self._until_s) > ADDRESSES:
            self._until_s.popitem(last=False)
        return 0.0


def allow_origins(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Let pages of these origins read the API from a browser; without any, none but its own may."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        )
