"""The Redis client from the settings, and its errors as errors fit for a user."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from redis import exceptions as redis_errors
from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff

from affectstream.runtime.settings import RedisSettings
from affectstream.schemas.errors import Unavailable

T = TypeVar("T")

RETRIES = 6  # over about ten seconds: a restart or a failover
SOON_S = 1.0  # for what a call asks while it begins: platforms wait five seconds for the answer to them
COMMAND_S = 2.0  # for connecting, each write and each reply, where somebody waits for the answer


class _Cancellable(AbstractConnection):
    """Writes under `asyncio.timeout` and not, as redis-py does, by `asyncio.wait_for`.

    That of Python 3.11 swallows a cancellation which comes as the write ends (CPython issue 86296).
    """

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]  # of redis-py
        limit_s, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(limit_s):
                await super().send_packed_command(command, check_health=False)
        except TimeoutError:
            raise redis_errors.TimeoutError("Timeout writing to socket") from None
        finally:
            self.socket_timeout = limit_s


class _Tcp(_Cancellable, Connection): ...


class _Tls(_Cancellable, SSLConnection): ...


class _Unix(_Cancellable, UnixDomainSocketConnection): ...


CANCELLABLE: Mapping[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Tcp,
    SSLConnection: _Tls,
    UnixDomainSocketConnection: _Unix,
}


def connect(settings: RedisSettings, patient: bool) -> Any:  # redis-py types every reply as bytes or more
    """Return a client, which connects when first used.

    A patient one tries again for about ten seconds; another says after two that the server is away.
    """
    options: dict[str, Any] = {
        "username": settings.username,
        "password": settings.password.get_secret_value() if settings.password else None,
        "decode_responses": True,
        "protocol": 2,  # the replies of old and new servers alike
        **(_patience() if patient else _impatience()),
        "health_check_interval": 30,
    }
    if settings.url.startswith("rediss://"):
        options |= {
            "ssl_ca_certs": _path(settings.ca_file),
            "ssl_certfile": _path(settings.cert_file),
            "ssl_keyfile": _path(settings.key_file),
        }
    pool = ConnectionPool.from_url(
        settings.url, **{name: value for name, value in options.items() if value is not None}
    )
    pool.connection_class = CANCELLABLE[pool.connection_class]
    return Redis.from_pool(pool)


def _patience() -> dict[str, Any]:
    return {
        "retry": Retry(ExponentialWithJitterBackoff(base=0.1, cap=3.0), RETRIES),
        "retry_on_error": [redis_errors.BusyLoadingError],
    }


def _impatience() -> dict[str, Any]:
    """Return options that try again once, at once: a connection of before may have been cut meanwhile."""
    return {
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis_errors.ConnectionError,)),
        "socket_connect_timeout": COMMAND_S,
        "socket_timeout": COMMAND_S,
    }


class Connected:
    """``async with``: what has a client of its own, which is closed at the end."""

    def __init__(self, settings: RedisSettings, patient: bool = False) -> None:
        """``patient``: wait ten seconds for a server that is away, as a process does that goes on."""
        self._settings = settings
        self._redis = connect(settings, patient)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._redis.aclose()


@contextmanager
def translated(settings: RedisSettings) -> Iterator[None]:
    """Turn what the client raises inside into Unavailable."""
    try:
        yield
    except (redis_errors.RedisError, OSError) as error:
        raise Unavailable(f"the Redis at {settings.url}: {_remedy(error)}") from error


async def within(answer: Awaitable[T], limit_s: float) -> T:
    """Return an answer of Redis; raises Unavailable where it takes too long."""
    try:
        async with asyncio.timeout(limit_s):
            return await answer
    except TimeoutError:
        raise Unavailable(f"no answer from the Redis within {limit_s:g} s") from None


async def soon(answer: Awaitable[T]) -> T:
    """Return what a call asks while it begins; raises Unavailable after `SOON_S`, and it goes on without."""
    return await within(answer, SOON_S)


def _remedy(error: Exception) -> str:
    if isinstance(error, redis_errors.AuthenticationError | redis_errors.NoPermissionError):
        return "it refuses redis.username or redis.password, or does not permit them this"
    if isinstance(error, redis_errors.OutOfMemoryError):
        return "it is out of memory; raise its maxmemory or lower redis.ttl_s"
    if isinstance(error, redis_errors.ConnectionError | redis_errors.TimeoutError | OSError):
        return "it does not answer; check that it runs, and redis.url"
    return f"it refused a command ({type(error).__name__}: {error})"


def _path(path: object) -> str | None:
    return None if path is None else str(path)
