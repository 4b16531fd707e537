"""The limits of the API: rates of requests, sizes, how long the store may take, and whose pages may ask."""

import math
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, TypeVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware

from affectstream.runtime import redis_client
from affectstream.runtime.rates import Rates

T = TypeVar("T")

BURST_S = 10.0  # of requests that may come at once
BODY_BYTES = 64 << 10  # of a request that uploads nothing
UPLOAD_BYTES = 32 << 20  # of one that uploads a recording
ANSWER_S = 2.0  # of the store, for one page; its client alone would retry for ten seconds


@dataclass(frozen=True)
class Limits:
    """What the settings of the API say."""

    requests_per_minute: int | None = None
    token_requests_per_minute: int | None = None
    cors_origins: tuple[str, ...] = ()


Asking = Literal["address", "token"]
SETTING = {"address": "api.requests_per_minute", "token": "api.token_requests_per_minute"}


class RateLimit:
    """An even rate, with some seconds of it at once: of every address, or of the token from all addresses."""

    def __init__(self, per_minute: int, of: Asking = "address") -> None:
        self._of = of
        self._rates = Rates(per_minute, BURST_S * per_minute / 60)

    def __call__(self, request: Request) -> None:
        """Refuse a request that comes too soon, with 429 and when to ask again."""
        address = request.client.host if request.client else ""
        wait_s = self._rates.wait_s(address if self._of == "address" else "")
        if wait_s:
            raise HTTPException(
                429,
                f"too many requests from this {self._of}: see the setting {SETTING[self._of]}",
                {"Retry-After": str(math.ceil(wait_s))},
            )


async def within(answer: Awaitable[T]) -> T:
    """Return an answer of the store; raises Unavailable where it takes too long."""
    return await redis_client.within(answer, ANSWER_S)


def allow_origins(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Let pages of these origins read the API from a browser; without any, none but its own may."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        )
