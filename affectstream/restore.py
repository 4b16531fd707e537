"""The command `restore`: windows that Redis has lost, from the topic of finals."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from affectstream.runtime.settings import Settings
    from affectstream.schemas.messages import FusedEmotion, PartyKey

app = typer.Typer()
out = Console()

AT_ONCE = 200_000  # finals in memory, about 600 bytes each


@dataclass
class Tally:
    """What the topic holds of a party, in the run of its session that is kept."""

    run: str
    windows: int = 0  # each counted once
    newest_ms: int = -1

    def note(self, end_ms: int) -> None:
        """Count a final; after a crash some are there twice."""
        if end_ms > self.newest_ms:
            self.newest_ms, self.windows = end_ms, self.windows + 1


@app.command()
def restore(
    sessions: Annotated[
        list[str] | None, typer.Argument(help="these alone; default: all that the topic holds")
    ] = None,
) -> None:
    """Put back windows that Redis has lost, from the topic of finals; what was purged stays purged."""
    from affectstream.runtime.settings import load

    windows, parties = asyncio.run(restored(load(), frozenset(sessions or ())))
    out.print(f"{windows} windows of {parties} parties put back", highlight=False)


async def restored(settings: "Settings", only: Collection[str] = ()) -> tuple[int, int]:
    """Put back what is missing; return how many windows, of how many parties. Raises Unavailable."""
    from affectstream.runtime.restored import Restorer

    windows = parties = 0
    topic = Finals(settings, only)
    async with Restorer(settings.redis) as restorer:
        found = await topic.tallies()
        counts = await restorer.counts(list(found))
        lost = {
            party: tally
            for (party, tally), count in zip(found.items(), counts, strict=True)
            if count < tally.windows
        }
        for group in groups(await permitted(settings, lost)):
            for party, finals in (await topic.finals(group)).items():
                put_back = await restorer.put_back(party, group[party].run, finals)
                windows, parties = windows + put_back, parties + bool(put_back)
    return windows, parties


async def permitted(settings: "Settings", lost: "Mapping[PartyKey, Tally]") -> "dict[PartyKey, Tally]":
    """Leave out sessions whose consent was withdrawn, by Redis or by the audit log."""
    from affectstream.runtime.consent_store import ConsentStore
    from affectstream.runtime.consent_store import restore as withdraw_again

    await withdraw_again(settings.redis, settings.policy)
    async with ConsentStore(settings.redis, settings.policy) as store:
        standings = {sid: await store.standing(sid) for sid in {sid for sid, _ in lost}}
    refused = {sid for sid, each in standings.items() if each.refused(frozenset(settings.policy.consent))}
    return {party: tally for party, tally in lost.items() if party[0] not in refused}


def groups(lost: "Mapping[PartyKey, Tally]") -> "Iterator[dict[PartyKey, Tally]]":
    """Yield parties in groups whose finals fit into memory."""
    group: dict[PartyKey, Tally] = {}
    for party, tally in lost.items():
        if group and sum(each.windows for each in group.values()) + tally.windows > AT_ONCE:
            yield group
            group = {}
        group[party] = tally
    if group:
        yield group


class Finals:
    """The finals on the topic that may be in Redis: not expired there, and not of before a purge."""

    def __init__(self, settings: "Settings", only: Collection[str]) -> None:
        from affectstream.runtime.audit import audit_log
        from affectstream.runtime.clocks import wall_ms

        self._settings, self._only = settings, only
        self._after_ms = wall_ms() - settings.redis.ttl_s * 1000
        entries = audit_log(settings.policy).entries()
        self._purged_ms = {each.session: each.at_ms for each in entries if each.did == "purge"}

    async def tallies(self) -> "dict[PartyKey, Tally]":
        """Return what there is of each party, in the run that Redis keeps, else in the newest one."""
        from affectstream.runtime.store import FusedStore

        found: dict[PartyKey, dict[str, Tally]] = {}
        newest: dict[str, str] = {}
        async for run, final, _ in self._read():
            newest[final.session_id] = run
            runs = found.setdefault((final.session_id, final.party), {})
            runs.setdefault(run, Tally(run)).note(final.end_ms)
        async with FusedStore(self._settings.redis) as store:
            kept = await store.runs_of(list(newest))
        for session_id, runs_of in zip(list(newest), kept, strict=True):
            newest[session_id] = newest[session_id] if runs_of.kept is None else runs_of.kept
        return {party: runs[newest[party[0]]] for party, runs in found.items() if newest[party[0]] in runs}

    async def finals(self, wanted: "Mapping[PartyKey, Tally]") -> "dict[PartyKey, dict[int, bytes]]":
        """Return the bytes of all windows of some parties, by their ends."""
        found: dict[PartyKey, dict[int, bytes]] = {party: {} for party in wanted}
        async for run, final, packed in self._read():
            tally = wanted.get((final.session_id, final.party))
            if tally and tally.run == run:
                found[final.session_id, final.party][final.end_ms] = packed
        return found

    async def _read(self) -> "AsyncIterator[tuple[str, FusedEmotion, bytes]]":
        from affectstream.runtime.kafka.record import history
        from affectstream.schemas.codec import decoder
        from affectstream.schemas.errors import MessageError
        from affectstream.schemas.messages import FusedEmotion
        from affectstream.schemas.topics import FUSED

        decode = decoder(FUSED.max_bytes, *FUSED.carries)
        async for records in history(self._settings.kafka, FUSED.name):
            for record in records:
                session_id = (record.key or b"").decode(errors="replace")
                after_ms = max(self._after_ms, self._purged_ms.get(session_id, 0))
                if record.timestamp_ms <= after_ms or (self._only and session_id not in self._only):
                    continue
                try:
                    final = decode(record.value)
                except MessageError:
                    continue
                if isinstance(final, FusedEmotion):
                    yield record.run, final, record.value
