"""The alerts of sessions in Redis: JSON, one field of a hash per alert and edge."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from affectstream.runtime.redis_client import translated
from affectstream.runtime.rows import readable
from affectstream.runtime.settings import RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.alert import Alert
from affectstream.schemas.errors import Malformed


def canonical(alert: Alert) -> str:
    """Return an alert as JSON with sorted keys and no blanks, floats to the last bit."""
    return json.dumps(
        alert.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def field(alert: Alert) -> str:
    """Return the field of an alert in its session's hash: an alert that is written again is the same one."""
    return f"{alert.alert_id}/{alert.edge}"


def parsed(text: str) -> Alert:
    """Return the alert of a field; raises Malformed."""
    try:
        return Alert.model_validate_json(text)
    except ValidationError:
        raise Malformed("an entry in Redis is not an alert of this version") from None


class AlertStore:
    """What a store keeps of them in Redis."""

    _redis: Any
    _settings: RedisSettings

    async def begin_alerts(self, session_id: str, run: str) -> None:
        """Delete the alerts of a session's earlier runs; those of this one stay."""
        key = keys.alerts(session_id)
        with translated(self._settings):
            if await self._redis.hget(key, keys.RUN) == run:
                return
            pipe = self._redis.pipeline(transaction=True)
            pipe.delete(key)
            pipe.hset(key, keys.RUN, run)
            pipe.expire(key, self._settings.ttl_s)
            await pipe.execute()

    async def write_alerts(self, alerts: Sequence[Alert]) -> None:
        """Write alerts, once however often they come; raises Unavailable."""
        pipe = self._redis.pipeline(transaction=True)
        for alert in alerts:
            pipe.hset(keys.alerts(alert.session_id), field(alert), canonical(alert))
        for session_id in {alert.session_id for alert in alerts}:
            pipe.expire(keys.alerts(session_id), self._settings.ttl_s)
        with translated(self._settings):
            await pipe.execute()

    async def alerts(self, session_id: str) -> list[Alert]:
        """Return the alerts of all parties of a session, in no order."""
        with translated(self._settings):
            entries = await self._redis.hgetall(keys.alerts(session_id))
        entries.pop(keys.RUN, None)
        return [alert for text in entries.values() if (alert := readable(parsed, text))]
