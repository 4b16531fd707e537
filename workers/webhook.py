"""Webhooks: what a call centre's own systems are told of calls and alerts, signed, at least once.

Events follow from finals and alerts alone, so one that is made again has the same id. They wait in an outbox
from before the offsets are committed until the receiver has answered with a status of 2xx.
"""

import asyncio
import hashlib
import hmac
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from affectstream.runtime.outbox import Outbox, Waiting
from affectstream.runtime.settings import AlertSettings, RedisSettings
from affectstream.schemas.alert import Alert
from affectstream.schemas.errors import SettingsError, Unavailable
from affectstream.schemas.messages import FusedEmotion

log = structlog.get_logger(__name__)

POST_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0  # between attempts, doubled each time
GIVE_UP_S = 24 * 3600.0
BATCH = 50
WAIT_MS = 1_000

Event = dict[str, Any]
Post = Callable[[bytes, dict[str, str]], Awaitable[bool]]


def events(window: FusedEmotion, run: str, alerts: Iterable[Alert], first: bool) -> list[Event]:
    """Return what a final makes known: that a call begins or ends, and its alerts."""
    over = ended(window, run)
    return [*([begun(window, run)] if first else []), *raised(alerts, run), *([over] if over else [])]


def begun(window: FusedEmotion, run: str) -> Event:
    """Return the event of a party's first window."""
    return _event("call.begun", window, run, {"at_ms": window.start_ms})


def ended(window: FusedEmotion, run: str) -> Event | None:
    """Return the event of the window with which all streams of a party have ended, None for another one."""
    if {state.stream for state in window.modalities} != {"ended"}:
        return None
    return _event("call.ended", window, run, {"at_ms": window.end_ms})


def raised(alerts: Iterable[Alert], run: str) -> list[Event]:
    """Return the events of alerts that begin or end."""
    return [
        {
            "id": f"alert.{edge}/{alert.alert_id}/{run}",
            "type": f"alert.{edge}",
            "session": alert.session_id,
            "party": alert.party,
            "at_ms": alert.end_ms,
            "rule": alert.rule,
            "value": alert.value,
            "text": alert.text,
        }
        for alert in alerts
        for edge in ("begun" if alert.edge == "begin" else "ended",)
    ]


def _event(kind: str, window: FusedEmotion, run: str, fields: Event) -> Event:
    name = f"{kind}/{window.session_id}/{window.party}/{run}"
    return {"id": name, "type": kind, "session": window.session_id, "party": window.party, **fields}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return `sha256=` and the HMAC of ``timestamp.body``, as the receiver computes it too."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def posting(session: ClientSession, url: str) -> Post:
    """Return what posts a body to a URL and says whether the receiver took it."""

    async def post(body: bytes, headers: dict[str, str]) -> bool:
        try:
            async with session.post(
                url, data=body, headers=headers, timeout=ClientTimeout(POST_S), allow_redirects=False
            ) as response:
                return 200 <= response.status < 300
        except (ClientError, TimeoutError, OSError):
            return False

    return post


class Delivery:
    """Delivers what is in the outbox; a receiver that is away is asked ever less often."""

    def __init__(
        self,
        outbox: Outbox,
        post: Post,
        secret: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._outbox, self._post, self._secret, self._sleep, self._now_s = outbox, post, secret, sleep, now_s

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            try:
                for event in await self._outbox.take(BATCH, WAIT_MS):
                    await self._deliver(event)
            except Unavailable as error:
                log.warning("unavailable", error=str(error))
                await self._sleep(FIRST_WAIT_S)

    async def _deliver(self, event: Waiting) -> None:
        """Post one event until it is taken, or a day has gone; the ones after it wait."""
        wait_s, begun_s = FIRST_WAIT_S, self._now_s()
        while not await self._posted(event):
            if self._now_s() - begun_s > GIVE_UP_S:
                log.error("webhook_given_up", type=event.fields["type"])
                break
            log.warning("webhook_not_taken", type=event.fields["type"], again_in_s=wait_s)
            await self._sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        await self._outbox.done(event)

    async def _posted(self, event: Waiting) -> bool:
        body = json.dumps(event.fields, separators=(",", ":")).encode()
        timestamp = str(int(self._now_s()))
        headers = {
            "Content-Type": "application/json",
            "X-Affectstream-Id": event.fields["id"],
            "X-Affectstream-Timestamp": timestamp,
            "X-Affectstream-Signature": signature(self._secret, timestamp, body),
        }
        return await self._post(body, headers)


@dataclass(frozen=True)
class Hook:
    """An outbox, and the task that delivers what is in it."""

    add: Callable[[Sequence[Event]], Awaitable[None]]
    task: "asyncio.Task[None]"

    def works(self) -> bool:
        """Say whether the delivery goes on."""
        return not self.task.done()


@asynccontextmanager
async def delivering(alerts: AlertSettings, redis: RedisSettings) -> AsyncIterator[Hook | None]:
    """Deliver webhooks meanwhile; yields None where no URL is set. Raises SettingsError without a secret."""
    if not alerts.webhook_url:
        yield None
        return
    if not alerts.webhook_secret:
        raise SettingsError("alerts.webhook_url is set without alerts.webhook_secret, which signs the events")
    async with Outbox(redis, f"{socket.gethostname()}-{os.getpid()}") as outbox, ClientSession() as session:
        post = posting(session, alerts.webhook_url)
        delivery = Delivery(outbox, post, alerts.webhook_secret.get_secret_value())
        task = asyncio.create_task(delivery.run())
        try:
            yield Hook(outbox.add, task)
        finally:
            task.cancel()
