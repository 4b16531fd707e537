"""A TCP proxy whose connections can be slowed down, frozen or cut."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
CHUNK_BYTES = 64 * 1024


class Proxy:
    """``with Proxy(port) as proxy:`` forwards ``proxy.port`` to a local port, in a thread of its own.

    ``delay_s`` is added to every chunk of a connection, in both directions. A frozen connection stays open
    and lets nothing through, as behind a firewall that has forgotten it; connections made later work.
    """

    def __init__(self, target: int) -> None:
        self.target, self.port, self.delay_s = target, 0, 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: dict[asyncio.Task[None], asyncio.Event] = {}  # each flows while its event is set
        self._server: asyncio.Server | None = None
        self._thread.start()

    def __enter__(self) -> "Proxy":
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def freeze(self) -> None:
        """Let nothing through any more on the connections that there are."""
        self._run(self._each(asyncio.Event.clear))

    def thaw(self) -> None:
        """Let everything through again."""
        self._run(self._each(asyncio.Event.set))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _each(self, change: Any) -> None:
        for flowing in self._connections.values():
            change(flowing)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task, flowing = asyncio.current_task(), asyncio.Event()
        assert task is not None
        flowing.set()
        self._connections[task] = flowing
        writers = [writer]
        try:
            answers, onward = await asyncio.open_connection("127.0.0.1", self.target)
            writers.append(onward)
            ways = (self._copy(reader, onward, flowing), self._copy(answers, writer, flowing))
            both = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in both:
                    way.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            del self._connections[task]
            for each in writers:
                each.transport.abort()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await flowing.wait()
                writer.write(chunk)
                await writer.drain()
