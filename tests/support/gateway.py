"""A gateway without a broker and a Redis: what is sent to it is kept."""

import asyncio
from itertools import count

from affectstream.producers.gateway.admission import Places
from affectstream.producers.gateway.gate import Gate
from affectstream.producers.session_ids import SessionIds
from affectstream.runtime.settings import load

ZERO_MS = 1_700_000_000_000


class Broker:
    """Takes what is sent; while it is stopped it acknowledges nothing."""

    def __init__(self):
        self.sent, self.answers = [], asyncio.Event()
        self.answers.set()

    async def send(self, message):
        self.sent.append(message)
        return asyncio.ensure_future(self._acknowledged())

    async def _acknowledged(self):
        await self.answers.wait()


class Wire:
    """The other side of a WebSocket: ``keep`` is called with what is sent to it."""

    is_disconnected = False

    def __init__(self, keep):
        self._keep, self.underlying_transport = keep, self

    def send(self, kind, data):
        self._keep(data)

    def is_reading(self):
        return True

    def is_closing(self):
        return False

    def pause_reading(self):
        """Take note of back-pressure."""

    resume_reading = pause_reading


def gate(broker, tokens=None, purpose=None, now_ms=lambda: ZERO_MS, **gateway):
    """Return what connections share, with runs that are counted."""
    settings = load(gateway=gateway, policy={"agent_purpose": purpose})
    runs = (f"run-{number}" for number in count(1))
    return Gate(settings, broker.send, Places(10, runs.__next__), SessionIds(None), tokens, now_ms)
