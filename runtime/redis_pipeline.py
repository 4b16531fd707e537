"""Commands to Redis packed by hand and sent at once: a sixth of what the client takes for as many."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Self

from redis.exceptions import ConnectionError as RedisConnectionError

REPLIES_S = 10.0  # to one round trip, where the client has no time-out of its own


class Pipeline:
    """Commands as bytes, packed for a server, and how many replies they will have."""

    def __init__(self) -> None:
        self.packed: list[bytes] = []
        self.count = 0

    def add(self, *words: bytes) -> None:
        """Append one command."""
        self.packed.append(b"*%d\r\n" % len(words))
        self.packed += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
        self.count += 1

    @classmethod
    def of(cls, commands: Iterable[Sequence[str | int]]) -> Self:
        """Return commands of texts and numbers."""
        pipeline = cls()
        for command in commands:
            pipeline.add(*(str(word).encode() for word in command))
        return pipeline


async def exchange(redis: Any, pipeline: Pipeline) -> list[Any]:
    """Return the replies as bytes, an error among them as an exception.

    The commands are sent again on a new connection where one breaks: they are such that this is always right.
    """
    if not pipeline.count:
        return []
    pool = redis.connection_pool
    connection = await pool.get_connection()

    async def once() -> list[Any]:
        try:
            async with asyncio.timeout(connection.socket_timeout or REPLIES_S):
                await connection.send_packed_command(b"".join(pipeline.packed))
                # the connection's own reading costs three times what its parser does
                read = connection._parser.read_response
                return [await read(disable_decoding=True) for _ in range(pipeline.count)]
        except OSError as error:  # a time out among them
            raise RedisConnectionError(str(error) or type(error).__name__) from error

    try:
        replies: list[Any] = await connection.retry.call_with_retry(once, lambda _: connection.disconnect())
    except BaseException:
        await connection.disconnect(nowait=True)  # replies may be under way
        raise
    finally:
        await pool.release(connection)
    return replies
