"""The consent to sessions and their pauses in Redis: changed by anybody, restored from the audit log."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from redis.exceptions import WatchError

from affectstream.runtime import recordings
from affectstream.runtime.audit import AuditLog, audit_log
from affectstream.runtime.clocks import wall_ms
from affectstream.runtime.redis_client import Connected, translated
from affectstream.runtime.settings import PolicySettings, RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.audit import Detail, Did
from affectstream.schemas.consent import Consent, Standing, standing
from affectstream.schemas.topics import ALL

log = structlog.get_logger(__name__)

CHANGES = 10_000  # in the stream, about: a process that is further behind asks anew
MARGIN_S = 24 * 60 * 60


class ConsentStore(Connected):
    """Changes of consents and pauses; each is in the audit log before it is reported as done."""

    def __init__(self, redis: RedisSettings, policy: PolicySettings) -> None:
        super().__init__(redis)
        self._audit = audit_log(policy)
        self._folder = policy.recordings
        longest_s = max(topic.retention_ms for topic in ALL) // 1000
        self._ttl_s = max(redis.ttl_s, longest_s + MARGIN_S)

    async def standing(self, session_id: str) -> Standing:
        """Return what is known of a session."""
        with translated(self._settings):
            return standing(await self._redis.get(keys.consent(session_id)))

    async def set(self, session_id: str, consent: Consent, by: str) -> Standing:
        """Set the consent to a session; a withdrawal deletes its recordings in policy.recordings.

        Where this process may not delete there, the log has it and the recorder does. Raises PolicyError
        where consent was withdrawn before.
        """
        changed = await self._change(session_id, lambda known: known.with_consent(consent))
        await self._note("consent", session_id, by, {"state": consent})
        if consent == "withdrawn" and self._folder is not None:
            try:
                await asyncio.to_thread(remove_recordings, self._folder, session_id, self._audit, by)
            except OSError as error:
                log.warning("recording_not_removed", session=session_id, why=error.strerror)
        return changed

    async def withdraw_again(self, session_id: str) -> None:
        """Set a withdrawal that the audit log holds already."""
        await self._change(session_id, lambda known: known.with_consent("withdrawn"))

    async def pause(self, session_id: str, by: str) -> Standing:
        """Pause a session from now on: what is said and seen then is never analysed."""
        at_ms = wall_ms()
        changed = await self._change(session_id, lambda known: known.with_pause(at_ms))
        await self._note("pause", session_id, by, {})
        return changed

    async def resume(self, session_id: str, by: str) -> Standing:
        """End the pause of a session."""
        at_ms = wall_ms()
        changed = await self._change(session_id, lambda known: known.resumed(at_ms))
        await self._note("resume", session_id, by, {})
        return changed

    async def _change(self, session_id: str, change: Callable[[Standing], Standing]) -> Standing:
        key = keys.consent(session_id)
        with translated(self._settings):
            async with self._redis.pipeline(transaction=True) as pipe:
                while True:
                    await pipe.watch(key, keys.CONSENT_CHANGES)
                    before = standing(await pipe.get(key))
                    after = change(before)
                    pipe.multi()
                    pipe.set(key, after.text(), ex=None if after.consent == "withdrawn" else self._ttl_s)
                    fields = {"session": session_id, "standing": after.text()}
                    pipe.xadd(keys.CONSENT_CHANGES, fields, maxlen=CHANGES, approximate=True)
                    pipe.expire(keys.CONSENT_CHANGES, self._ttl_s)
                    try:
                        await pipe.execute()
                    except WatchError:
                        continue
                    return after

    async def _note(self, did: Did, session_id: str, by: str, detail: Detail) -> None:
        await asyncio.to_thread(self._audit.append, did, session_id, by, detail)


def remove_recordings(folder: Path, session_id: str, audit: AuditLog, by: str = "") -> int:
    """Delete the recordings of a session and note it; returns how many files there were. Raises OSError."""
    files = recordings.delete(folder, session_id)
    if files:
        audit.append("recording removed", session_id, by, {"files": files})
        log.info("recording_removed", session=session_id, files=files)
    return files


async def restore(redis: RedisSettings, policy: PolicySettings) -> int:
    """Withdraw again what the audit log says was withdrawn; returns how many sessions Redis did not know.

    Raises Unavailable where Redis does not answer.
    """
    withdrawn = {
        entry.session
        for entry in audit_log(policy).entries()
        if entry.did == "consent" and entry.detail.get("state") == "withdrawn"
    }
    async with ConsentStore(redis, policy) as store:
        unknown = [sid for sid in sorted(withdrawn) if (await store.standing(sid)).consent != "withdrawn"]
        for session_id in unknown:
            await store.withdraw_again(session_id)
    return len(unknown)
