"""What a live view reads of Redis again and again: which sessions there are, and what of them is newest."""

from collections.abc import Sequence
from typing import NamedTuple

from affectstream.runtime.store import FusedStore, Session
from affectstream.schemas import keys
from affectstream.schemas.messages import PartyKey


class Mark(NamedTuple):
    """Which pane of a party is the newest."""

    end_ms: int
    final: bool


async def sessions(store: FusedStore) -> dict[str, int]:
    """Return the newest final's end by session id, known to ten seconds of event time."""
    (found,) = await store.pipelined([("ZRANGE", keys.SESSIONS, 0, -1, "WITHSCORES")])
    flat = found or ()
    return {sid.decode(): int(float(end_ms)) for sid, end_ms in zip(flat[::2], flat[1::2], strict=True)}


async def spans(store: FusedStore, session_ids: Sequence[str]) -> list[Session]:
    """Return sessions as their streams are; without parties where nothing of a session is kept."""
    return await store.sessions_of(session_ids) if session_ids else []


async def marks(store: FusedStore, parties: Sequence[PartyKey]) -> list[Mark | None]:
    """Return which pane of each party is the newest, in one round trip."""
    found = await store.pipelined([("HMGET", keys.latest(*party), "end_ms", "pane") for party in parties])
    return [Mark(int(mark[0]), mark[1] == b"final") if mark and mark[0] else None for mark in found]


async def alert_counts(store: FusedStore, session_ids: Sequence[str]) -> list[int]:
    """Return how many fields the alerts of each session have: a begin and an end are one each."""
    found = await store.pipelined([("HLEN", keys.alerts(session_id)) for session_id in session_ids])
    return [count or 0 for count in found]


async def kept(store: FusedStore, groups: Sequence[Sequence[PartyKey]]) -> list[bool]:
    """Say of each group of parties whether finals of any are kept; the index may have what has expired."""
    commands = [("EXISTS", *(keys.finals(*party) for party in group)) for group in groups]
    return [bool(count) for count in await store.pipelined(commands)]


async def forget(store: FusedStore, session_ids: Sequence[str]) -> None:
    """Take sessions off the index whose keys have expired."""
    if session_ids:
        await store.pipelined([("ZREM", keys.SESSIONS, *session_ids)])
