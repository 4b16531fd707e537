"""The fused emotions in Redis: written once however often they come.

The keys are those of ``schemas.keys``. A final window is one entry of a stream, under an id that follows from
the window: it is there with all its fields or not at all, and writing it again changes nothing.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from affectstream.runtime import leases, operator_trust, rows, session_index, session_runs
from affectstream.runtime.alerts import AlertStore
from affectstream.runtime.redis_client import Connected, translated
from affectstream.runtime.redis_pipeline import Pipeline, exchange
from affectstream.runtime.session_index import Session, Span, end_ms
from affectstream.schemas import keys
from affectstream.schemas.codec import EncodedPane, encode
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import PARTIES, FusedEmotion, Modality, Party, PartyKey

if TYPE_CHECKING:
    from affectstream.runtime.fused_writer import FusedWriter

__all__ = ["FusedStore", "Newest", "Session", "Span"]

EVERYTHING = 1 << 40  # entries


@dataclass(frozen=True)
class Newest:
    """The newest final window of a party; ``final`` is None where its entry cannot be read."""

    end_ms: int
    final: FusedEmotion | None


class FusedStore(Connected, operator_trust.TrustStore, AlertStore):
    """``async with FusedStore(settings.redis) as store``; one writer per session, any number of readers."""

    @cached_property
    def writer(self) -> "FusedWriter":
        """What writes panes that are encoded already."""
        from affectstream.runtime.fused_writer import FusedWriter  # which a reader does not need

        return FusedWriter(self._redis, self._settings)

    async def __aenter__(self) -> Self:
        try:
            await self.ping()
        except BaseException:
            await self._redis.aclose()
            raise
        return self

    async def ping(self) -> bool:
        """Return True when the server has answered, also as a health check; raises Unavailable."""
        with translated(self._settings):
            await self._redis.ping()
        return True

    async def write(self, panes: Sequence[FusedEmotion]) -> None:
        """Encode ``panes`` and write them: see `FusedWriter.write`."""
        await self.writer.write(
            [EncodedPane(p.session_id, p.party, p.start_ms, p.end_ms, p.pane, encode(p)) for p in panes]
        )

    async def position(self, session_id: str, party: Party) -> int | None:
        """Return the end of the newest final window, in milliseconds."""
        return (await self.positions([(session_id, party)]))[0]

    async def positions(self, parties: Sequence[PartyKey]) -> list[int | None]:
        """Return the end of the newest final window of each party, in one round trip."""
        newest = [("XREVRANGE", keys.finals(*party), "+", "-", "COUNT", 1) for party in parties]
        return [end_ms(entries[0][0]) if entries else None for entries in await self.pipelined(newest)]

    async def newest(self, session_id: str, party: Party) -> Newest | None:
        """Return the newest final window, which the next one goes on from."""
        return (await self.newest_of([(session_id, party)]))[0]

    async def newest_of(self, parties: Sequence[tuple[str, Party]]) -> list[Newest | None]:
        """Return the newest final window of each party, in one round trip."""
        found = await self.pipelined(
            [("XREVRANGE", keys.finals(*party), "+", "-", "COUNT", 1) for party in parties]
        )
        return [Newest(end_ms(e[0][0]), self._readable(e[0][1])) if e else None for e in found]

    async def sessions(self, limit: int = 100) -> list[Session]:
        """Return the sessions with the newest finals first; forgets those whose keys have expired.

        Which come first is known to ten seconds of event time, the spans exactly.
        """
        with translated(self._settings):
            return await session_index.listed(self._redis, limit)

    async def session(self, session_id: str) -> Session | None:
        """Return one session, None where nothing of it is kept."""
        with translated(self._settings):
            session = (await session_index.read(self._redis, [session_id]))[0]
        return session if session.parties else None

    async def sessions_of(self, session_ids: Sequence[str]) -> list[Session]:
        """Return sessions by id, without parties where nothing is kept."""
        with translated(self._settings):
            return await session_index.read(self._redis, session_ids)

    async def finals(
        self,
        session_id: str,
        party: Party,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int | None = None,
    ) -> list[FusedEmotion]:
        """Return the first ``limit`` final windows that end after ``start_ms`` and by ``end_ms``, in order.

        The end of the last one returned is the ``start_ms`` of the next page. An entry that something else
        wrote is left out, loudly.
        """
        high = "+" if end_ms is None else keys.stream_id(end_ms)
        found: list[FusedEmotion] = []
        while limit is None or len(found) < limit:
            low = "-" if start_ms is None else keys.stream_id(start_ms + 1)
            wanted = EVERYTHING if limit is None else limit - len(found)
            command = ("XRANGE", keys.finals(session_id, party), low, high, "COUNT", wanted)
            entries: Sequence[Any] = (await self.pipelined([command]))[0] or ()
            found += [final for _, entry in entries if (final := self._readable(entry))]
            if len(entries) < wanted:
                break
            start_ms = session_index.end_ms(entries[-1][0])  # more, in place of what cannot be read
        return found

    async def entries(
        self, session_id: str, party: Party, from_ms: int | None, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return the ends and the bytes of the first finals that end at ``from_ms`` (None: any) or later."""
        return (await self.entries_of([((session_id, party), from_ms)], limit))[0]

    async def entries_of(
        self, parties: Sequence[tuple[PartyKey, int | None]], limit: int
    ) -> list[list[tuple[int, bytes]]]:
        """Return those of each party from its own time on, in one round trip."""
        commands = [
            ("XRANGE", keys.finals(*party), _stream_id(from_ms), "+", "COUNT", limit)
            for party, from_ms in parties
        ]
        return [
            [(end_ms(entry_id), rows.detail(entry)) for entry_id, entry in found or ()]
            for found in await self.pipelined(commands)
        ]

    async def latest(self, session_id: str, party: Party) -> FusedEmotion | None:
        """Return the newest pane, early or final."""
        return (await self.latest_of([(session_id, party)]))[0]

    async def latest_of(self, parties: Sequence[PartyKey]) -> list[FusedEmotion | None]:
        """Return the newest pane of each party: its newest final where the pane was evicted or is foreign."""
        hashes = await self.pipelined([("HGETALL", keys.latest(*party)) for party in parties])
        panes = [self._readable(entry) if entry else None for entry in hashes]
        absent = [party for party, pane in zip(parties, panes, strict=True) if pane is None]
        finals = dict(zip(absent, await self.newest_of(absent), strict=True))
        return [
            pane or (newest.final if (newest := finals.get(party)) else None)
            for party, pane in zip(parties, panes, strict=True)
        ]

    async def runs_of(self, session_ids: Sequence[str]) -> list[Runs]:
        """Return the runs of sessions: whose windows are kept, and which producers have claimed."""
        with translated(self._settings):
            return await session_runs.read(self._redis, session_ids) if session_ids else []

    async def claim_run(self, session_id: str, run: str, replace: bool = False) -> Runs | None:
        """Claim a run for a producer; returns what is there where that is refused: see `session_runs`."""
        with translated(self._settings):
            return await session_runs.claim(self._redis, session_id, run, replace, self._settings.ttl_s)

    def lease(self, session_id: str, party: Party, modality: Modality) -> AbstractAsyncContextManager[None]:
        """Be the only live producer of a modality; raises InputError where another one is."""
        what = f"{modality} of {party} in session {session_id}"
        return leases.lease(self._redis, self._settings, keys.sending(session_id, party, modality), what)

    async def clock_ms(self) -> int:
        """Return the time by the server's clock."""
        with translated(self._settings):
            seconds, microseconds = await self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def begin_runs(self, begun: Sequence[tuple[str, str]]) -> None:
        """Keep the windows of these runs, by session, from now on; those of earlier runs are deleted."""
        pipe = self._redis.pipeline(transaction=True)
        for session_id, run in begun:
            session_runs.begin(pipe, session_id, run, self._settings.ttl_s)
            self.writer.forget(session_id)
        with translated(self._settings):
            await pipe.execute()

    async def purge(self, session_id: str) -> int:
        """Delete everything kept of a session and return how many keys that were."""
        doomed = [keys.session(session_id), keys.runs(session_id), keys.alerts(session_id)]
        doomed.append(keys.feedback(session_id))
        for party in PARTIES:
            doomed += [keys.finals(session_id, party), keys.latest(session_id, party)]
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(*doomed)
        pipe.zrem(keys.SESSIONS, session_id)
        with translated(self._settings):
            deleted, _ = await pipe.execute()
        self.writer.forget(session_id)
        return int(deleted)

    def _readable(self, fields: Sequence[bytes]) -> FusedEmotion | None:
        return rows.readable(rows.parsed, rows.detail(fields))

    async def pipelined(self, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
        """Return the replies to commands that read, as bytes; None where a key is of another type."""
        with translated(self._settings):
            return session_index.readable(await exchange(self._redis, Pipeline.of(commands)))


def _stream_id(from_ms: int | None) -> str:
    return "-" if from_ms is None else keys.stream_id(from_ms)
