"""Panes into Redis: few commands a final, packed by hand, and the same result however often they are sent."""

import json
import time
from collections.abc import Collection, Sequence
from typing import Any

import structlog

from affectstream.runtime import metrics
from affectstream.runtime.redis_client import translated
from affectstream.runtime.redis_pipeline import Pipeline, exchange
from affectstream.runtime.settings import RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.codec import EncodedPane
from affectstream.schemas.messages import Party, PartyKey

log = structlog.get_logger(__name__)

CHUNK = 1000  # panes of one round trip, so that no reader waits long
KEPT_S = 60.0  # for so long, and at most twice as long, is known what Redis holds of a party without panes
INDEX_EVERY_MS = 10_000  # of event time: sessions are listed by their newest final as of then
NOT_ABOVE = "equal or smaller"  # in the server's refusal of an id that is not above the newest


class Known:
    """What Redis holds about a party as far as this process knows, and the heads of its commands."""

    __slots__ = ("appended", "expired_at_s", "finals", "first_end_ms", "indexed_end_ms", "latest", "newest")

    def __init__(
        self, session_id: str, party: Party, span: bytes | None, newest: Sequence[bytes | None]
    ) -> None:
        ends = json.loads(span) if span else {}
        end_ms, pane = newest
        self.appended = False  # by this process: the stream is there and expires
        self.first_end_ms: int | None = ends.get("first")
        self.indexed_end_ms: int = ends.get("last", -INDEX_EVERY_MS)
        self.newest = (int(end_ms), pane == b"final") if end_ms else (-1, False)  # of the latest pane
        self.expired_at_s = 0.0  # on the clock of the process
        self.finals = keys.finals(session_id, party).encode()
        self.latest = keys.latest(session_id, party).encode()


Row = tuple[EncodedPane, Known]


class FusedWriter:
    """Writes panes so that writing them again, or after a crash in between, changes nothing.

    A final is one entry of a stream under an id that follows from its window, and overwrites `latest`. What
    can be had from the stream is written now and then: the index of sessions, and when keys expire.
    """

    def __init__(self, redis: Any, settings: RedisSettings) -> None:
        self._redis, self._settings = redis, settings
        self._ttl_s = settings.ttl_s
        self._known: dict[PartyKey, Known] = {}  # parties with panes since ``_since_s``
        self._before: dict[PartyKey, Known] = {}  # others that had some in the time before
        self._since_s = time.monotonic()

    async def write(self, panes: Sequence[EncodedPane]) -> None:
        """Write finals once and the newest pane of each party; returns when the server has them all.

        Finals of a party come in the order of their windows. Up to a thousand panes are one round trip.
        Raises Unavailable; writing the same panes again is always right.
        """
        with translated(self._settings):
            for start in range(0, len(panes), CHUNK):
                await self._write(panes[start : start + CHUNK])

    def forget(self, session_id: str) -> None:
        """Ask Redis again when something of this session is written."""
        for known in (self._known, self._before):
            for key in [key for key in known if key[0] == session_id]:
                del known[key]

    async def _write(self, panes: Sequence[EncodedPane]) -> None:
        rows = await self._known_of(panes)
        finals = [row for row in rows if row[0].pane == "final"]
        pipeline = Pipeline()
        _append(finals, pipeline)
        _overwrite(rows, pipeline)
        _index(finals, pipeline)
        self._expire(rows, pipeline)
        try:
            gone = await self._settle(finals, await exchange(self._redis, pipeline))
        except BaseException:
            for pane in panes:  # what of them is there is not known
                self._known.pop(pane[:2], None)
            raise
        if gone:
            await self._write(gone)

    async def _settle(self, finals: Sequence[Row], replies: Sequence[Any]) -> list[EncodedPane]:
        """Check what became of the finals and return those whose stream has been deleted meanwhile."""
        errors = [reply for reply in replies if isinstance(reply, Exception)]
        outcomes = list(zip(finals, replies, strict=False))
        refused = [
            pane for (pane, _), reply in outcomes if isinstance(reply, Exception) and NOT_ABOVE in str(reply)
        ]
        gone = [pane for (pane, _), reply in outcomes if reply is None]
        if len(errors) > len(refused):
            raise next(error for error in errors if NOT_ABOVE not in str(error))
        metrics.STORED.labels("new").inc(len(finals) - len(refused) - len(gone))
        if refused:
            await self._check_there(refused)
        for _, known in finals:
            known.appended = True
        for pane in gone:
            self._known.pop(pane[:2], None)
        return gone

    async def _known_of(self, panes: Sequence[EncodedPane]) -> list[Row]:
        """Return ``panes`` with what is known of their parties; reads what Redis holds about new ones."""
        if time.monotonic() - self._since_s > KEPT_S:
            self._known, self._before, self._since_s = {}, self._known, time.monotonic()
        absent = {key: None for pane in panes if (key := pane[:2]) not in self._known}
        self._known |= {key: self._before.pop(key) for key in absent if key in self._before}
        new = [key for key in absent if key not in self._known]
        if new:
            await self._learn(new)
        return [(pane, self._known[pane[:2]]) for pane in panes]

    async def _learn(self, new: Collection[PartyKey]) -> None:
        pipeline = Pipeline()
        for session_id, party in new:
            pipeline.add(b"HGET", keys.session(session_id).encode(), party.encode())
            pipeline.add(b"HMGET", keys.latest(session_id, party).encode(), b"end_ms", b"pane")
        replies = await exchange(self._redis, pipeline)
        for error in (reply for reply in replies if isinstance(reply, Exception)):
            raise error
        for key, span, newest in zip(new, replies[::2], replies[1::2], strict=True):
            self._known[key] = Known(*key, span, newest)

    def _expire(self, rows: Sequence[Row], pipeline: Pipeline) -> None:
        """Renew the time to live of the keys of each party, where a quarter of it has gone."""
        now_s, ttl_s = time.monotonic(), b"%d" % self._ttl_s
        due: dict[bytes, None] = {}
        for pane, known in rows:
            if known.expired_at_s and now_s - known.expired_at_s < self._ttl_s / 4:
                continue
            known.expired_at_s = now_s
            of_session = keys.session(pane.session_id), keys.runs(pane.session_id), keys.SESSIONS
            due |= dict.fromkeys((known.finals, known.latest, *(key.encode() for key in of_session)))
        for key in due:
            pipeline.add(b"EXPIRE", key, ttl_s)

    async def _check_there(self, refused: Sequence[EncodedPane]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for pane in refused:
            entry_id = keys.stream_id(pane.end_ms)
            pipe.execute_command(
                "XRANGE", keys.finals(pane.session_id, pane.party), entry_id, entry_id, NEVER_DECODE=True
            )
        replies = await pipe.execute()
        lost = [pane for pane, entries in zip(refused, replies, strict=True) if not entries]
        metrics.STORED.labels("already_there").inc(len(refused) - len(lost))
        for pane in lost:
            metrics.STORED.labels("out_of_order").inc()
            log.error("final_older_than_the_newest_refused", party=pane.party, end_ms=pane.end_ms)


def _append(finals: Sequence[Row], pipeline: Pipeline) -> None:
    """Add each final to its stream; these commands come first, so that their replies do.

    A stream that this process has begun is not begun again: where a session was purged meanwhile, the
    server says so, and all its keys are made anew with the time that they expire.
    """
    for pane, known in finals:
        key, entry_id = known.finals, b"%d-0" % pane.end_ms
        pipeline.packed.append(
            (
                b"*6\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$10\r\nNOMKSTREAM\r\n"
                if known.appended
                else b"*5\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n"
            )
            % (len(key), key)
            + b"$%d\r\n%b\r\n$6\r\ndetail\r\n$%d\r\n%b\r\n"
            % (len(entry_id), entry_id, len(pane.packed), pane.packed)
        )
    pipeline.count += len(finals)


def _overwrite(rows: Sequence[Row], pipeline: Pipeline) -> None:
    """Set the newest pane of each party, where it is none older than what is there."""
    newest: dict[Known, EncodedPane] = {}
    for pane, known in rows:
        rank = pane.end_ms, pane.pane == "final"
        if rank >= known.newest:
            known.newest = rank
            newest[known] = pane
    for known, pane in newest.items():
        # "early" and "final" are five bytes each
        latest, end_ms, packed = known.latest, b"%d" % pane.end_ms, pane.packed
        pipeline.packed.append(
            b"*8\r\n$4\r\nHSET\r\n$%d\r\n%b\r\n$4\r\npane\r\n$5\r\n%b\r\n$6\r\nend_ms\r\n$%d\r\n%b\r\n"
            b"$6\r\ndetail\r\n$%d\r\n%b\r\n"
            % (len(latest), latest, pane.pane.encode(), len(end_ms), end_ms, len(packed), packed)
        )
    pipeline.count += len(newest)


def _index(finals: Sequence[Row], pipeline: Pipeline) -> None:
    """List a session under the first final of each ten seconds, whatever the batches."""
    for pane, known in finals:
        if pane.end_ms // INDEX_EVERY_MS <= known.indexed_end_ms // INDEX_EVERY_MS:
            continue
        known.indexed_end_ms = pane.end_ms
        known.expired_at_s = 0.0
        if known.first_end_ms is None:
            known.first_end_ms = pane.end_ms
        span = json.dumps({"first": known.first_end_ms, "last": pane.end_ms}).encode()
        session_id = pane.session_id.encode()
        run = (keys.RUN.encode(), pane.run.encode()) if pane.run else ()
        pipeline.add(b"HSET", keys.session(pane.session_id).encode(), pane.party.encode(), span, *run)
        pipeline.add(b"ZADD", keys.SESSIONS.encode(), b"GT", b"%d" % pane.end_ms, session_id)
