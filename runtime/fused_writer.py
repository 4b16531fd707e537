"""Panes into Redis, one transaction per batch."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from redis.exceptions import ResponseError

from affectstream.runtime import metrics, rows
from affectstream.schemas import keys
from affectstream.schemas.messages import FusedEmotion, Party

log = structlog.get_logger(__name__)

CHUNK = 200  # panes of one transaction, so that no reader waits long
REMEMBERED = 10_000  # parties
_NOT_ABOVE = "equal or smaller"  # in the server's refusal of an id that is not above the newest

Key = tuple[str, Party]


@dataclass(frozen=True)
class Known:
    """What Redis holds about a party, as far as this process knows."""

    first_end_ms: int | None = None
    last_end_ms: int | None = None
    latest: tuple[int, bool] = (-1, False)  # window end, final

    def after(self, panes: Sequence[FusedEmotion]) -> "Known":
        """Return what holds once ``panes`` are written."""
        ends = [pane.end_ms for pane in panes if pane.pane == "final"]
        known = replace(self, latest=max([self.latest, *map(_rank, panes)]))
        if not ends:
            return known
        first = min(ends) if self.first_end_ms is None else min(self.first_end_ms, *ends)
        last = max(ends) if self.last_end_ms is None else max(self.last_end_ms, *ends)
        return replace(known, first_end_ms=first, last_end_ms=last)


class FusedWriter:
    """Writes panes so that writing them again, or after a crash in between, changes nothing."""

    def __init__(self, redis: Any, ttl_s: int) -> None:
        self._redis = redis
        self._ttl_s = ttl_s
        self._known: dict[Key, Known] = {}

    async def write(self, panes: Sequence[FusedEmotion]) -> None:
        """Write ``panes``, finals of a party in the order of their windows."""
        for start in range(0, len(panes), CHUNK):
            await self._write(panes[start : start + CHUNK])

    def forget(self, session_id: str) -> None:
        """Ask Redis again when something of this session is written."""
        for key in [key for key in self._known if key[0] == session_id]:
            del self._known[key]

    async def _write(self, panes: Sequence[FusedEmotion]) -> None:
        parties: dict[Key, list[FusedEmotion]] = defaultdict(list)
        for pane in panes:
            parties[pane.session_id, pane.party].append(pane)
        await self._learn(parties)
        finals = [pane for pane in panes if pane.pane == "final"]
        after = {key: self._known[key].after(of_party) for key, of_party in parties.items()}
        replies = await self._transact(parties, finals, after)
        self._known |= after
        refused = [pane for pane, reply in zip(finals, replies, strict=False) if _is_refusal(reply)]
        errors = [reply for reply in replies if isinstance(reply, Exception) and not _is_refusal(reply)]
        if errors:
            raise errors[0]
        metrics.STORED.labels("new").inc(len(finals) - len(refused))
        if refused:
            await self._check_there(refused)

    async def _transact(
        self,
        parties: dict[Key, list[FusedEmotion]],
        finals: Sequence[FusedEmotion],
        after: dict[Key, Known],
    ) -> list[Any]:
        """Return the replies, those to the entries of ``finals`` first."""
        pipe = self._redis.pipeline(transaction=True)
        for pane in finals:
            pipe.xadd(
                keys.finals(pane.session_id, pane.party), rows.fields(pane), id=keys.stream_id(pane.end_ms)
            )
        touched = {keys.finals(pane.session_id, pane.party): None for pane in finals}
        for (session_id, party), panes in parties.items():
            known = after[session_id, party]
            newest = max(panes, key=_rank)
            if known.latest == _rank(newest):
                touched[keys.latest(session_id, party)] = None
                pipe.hset(keys.latest(session_id, party), mapping=rows.latest_fields(newest))
            if any(pane.pane == "final" for pane in panes):
                touched |= {keys.session(session_id): None, keys.SESSIONS: None}
                span = {"first": known.first_end_ms, "last": known.last_end_ms}
                pipe.hset(keys.session(session_id), party, json.dumps(span))
                pipe.zadd(keys.SESSIONS, {session_id: known.last_end_ms}, gt=True)
        for key in touched:
            pipe.expire(key, self._ttl_s)
        replies: list[Any] = await pipe.execute(raise_on_error=False)
        return replies

    async def _learn(self, parties: Iterable[Key]) -> None:
        """Read what Redis holds about parties that this process meets for the first time."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
        new = [key for key in parties if key not in self._known]
        if not new:
            return
        pipe = self._redis.pipeline(transaction=False)
        for session_id, party in new:
            pipe.hget(keys.session(session_id), party)
            pipe.hmget(keys.latest(session_id, party), "end_ms", "pane")
        replies = await pipe.execute()
        for key, span, latest in zip(new, replies[::2], replies[1::2], strict=True):
            self._known[key] = _known(span, latest)

    async def _check_there(self, refused: Sequence[FusedEmotion]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for pane in refused:
            entry_id = keys.stream_id(pane.end_ms)
            pipe.xrange(keys.finals(pane.session_id, pane.party), entry_id, entry_id)
        replies = await pipe.execute()
        lost = [pane for pane, entries in zip(refused, replies, strict=True) if not entries]
        metrics.STORED.labels("already_there").inc(len(refused) - len(lost))
        for pane in lost:
            metrics.STORED.labels("out_of_order").inc()
            log.error("final_older_than_the_newest_refused", party=pane.party, end_ms=pane.end_ms)


def _known(span: str | None, latest: Sequence[str | None]) -> Known:
    ends = json.loads(span) if span else {}
    end_ms, pane = latest
    return Known(
        ends.get("first"), ends.get("last"), (int(end_ms), pane == "final") if end_ms else Known.latest
    )


def _rank(pane: FusedEmotion) -> tuple[int, bool]:
    return pane.end_ms, pane.pane == "final"


def _is_refusal(reply: object) -> bool:
    return isinstance(reply, ResponseError) and _NOT_ABOVE in str(reply)
