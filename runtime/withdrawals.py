"""Withdrawals of consent, from the audit log into a Redis that has lost them or never had them."""

from affectstream.runtime.audit import audit_log
from affectstream.runtime.consent import ConsentStore
from affectstream.runtime.settings import PolicySettings, RedisSettings


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
