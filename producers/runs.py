"""The run that a producer sends its session under: claimed before anything is sent."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import InputError
from affectstream.schemas.fields import RunId
from affectstream.schemas.keys import Runs
from affectstream.schemas.messages import Modality, Party

Again = Literal["refuse", "replace", "apart"]

AHEAD_MS = 60_000  # of this machine's clock: a session whose windows lie there had a wrong one
ID_CHARACTERS = 64


def new_run() -> str:
    """Return a run id that no other sending has: the time, and what is drawn."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def check_run(run: str) -> None:
    """Raise InputError where no message could carry the id of a run."""
    try:
        TypeAdapter(RunId).validate_python(run)
    except ValidationError:
        raise InputError("a run id has up to 32 letters, digits, dots, dashes or underscores") from None


async def claimed(redis: RedisSettings, session_id: str, run: str, again: Again) -> str:
    """Claim a run for a recorded session; returns the id to send it under.

    Raises InputError where the session has a run that is neither to be replaced nor left apart, Unavailable
    where Redis does not answer.
    """
    async with FusedStore(redis) as store:
        for candidate in _candidates(session_id, again):
            found = await store.claim_run(candidate, run, replace=again == "replace")
            if found is None:
                return candidate
            if again != "apart":
                raise _refusal(session_id, run, found)
    raise AssertionError("there is always another id")


@asynccontextmanager
async def sending(
    store: FusedStore,
    session_id: str,
    party: Party,
    modality: Modality,
    run: str,
    again: Again,
    now_ms: Callable[[], int] = wall_ms,
) -> AsyncIterator[None]:
    """Be the only process that sends this modality of a live session while the context is open.

    Without a ``run`` it goes on with the session as it is. Raises InputError where another process sends
    it, where this machine's clock is not that of Redis or behind the session's windows, or where the run is
    refused.
    """
    _require_clock(now_ms(), await store.clock_ms())
    async with store.lease(session_id, party, modality):
        if run:
            found = await store.claim_run(session_id, run, replace=again == "replace")
            if found is not None and run not in (found.kept, *found.claims[-1:]):
                raise _refusal(session_id, run, found)
        else:
            await _require_past(store, session_id, party)
        yield


def _candidates(session_id: str, again: Again) -> Iterator[str]:
    yield session_id
    if again == "apart":
        for number in count(2):
            suffix = f"-{number}"
            yield session_id[: ID_CHARACTERS - len(suffix)] + suffix


def _refusal(session_id: str, run: str, found: Runs) -> InputError:
    if run in (found.kept, *found.claims):
        return InputError(f"run {run} of session {session_id} was sent already; choose another --run")
    name = (found.claims or (found.kept,))[-1]
    return InputError(
        f"session {session_id} was sent already{f' (run {name})' if name else ''}: --again replace deletes "
        "what is kept of it, --again apart sends this under an id of its own; or choose another --session"
    )


def _require_clock(now_ms: int, redis_ms: int) -> None:
    """Refuse to send live from a clock that is wrong: the first message has no other to be held against."""
    if abs(now_ms - redis_ms) > AHEAD_MS:
        side = "ahead of" if now_ms > redis_ms else "behind"
        raise InputError(
            f"this machine's clock is {abs(now_ms - redis_ms) // 1000} s {side} that of Redis; set the wrong "
            "one right: live messages are placed by the clock"
        )


async def _require_past(store: FusedStore, session_id: str, party: Party) -> None:
    """Refuse to go on with a session that lies in the future of this machine's clock."""
    end_ms, now_ms = await store.position(session_id, party), wall_ms()
    if end_ms is not None and end_ms > now_ms + AHEAD_MS:
        raise InputError(
            f"session {session_id} has windows until {end_ms} ms, {(end_ms - now_ms) // 1000} s ahead of "
            "this machine's clock, so a clock was wrong: choose another --session, or a --run of its own "
            "with --again replace"
        )
