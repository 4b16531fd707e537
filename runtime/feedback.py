"""Supervisors' marks on windows in Redis: right or wrong, and what it should have been.

Marks are kept apart from the results and change none of them; they are exported as data for an evaluation.
Each is in the audit log before it is reported as done.
"""

import asyncio
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from affectstream.runtime.audit import audit_log
from affectstream.runtime.redis_client import Connected, translated
from affectstream.runtime.settings import PolicySettings, RedisSettings
from affectstream.schemas import keys
from affectstream.schemas.messages import Party

Emotion = Literal["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"]


class Mark(BaseModel):
    """What somebody holds of one final window of a party."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    party: Party = Field(description="whose window it is")
    end_ms: int = Field(ge=0, description="of the window, milliseconds since the Unix epoch")
    right: bool = Field(description="whether the displayed label is right")
    label: Emotion | None = Field(None, description="what it should have been; null: not stated")
    by: str = Field("api", pattern=r"^[\w .@-]{1,64}$", description="who says so, for the audit log")

    @property
    def window(self) -> str:
        """The window of a session that is marked; a later mark of it replaces this one."""
        return f"{self.party} {self.end_ms}"


class FeedbackStore(Connected):
    """The marks of all sessions; the newest mark of a window counts."""

    def __init__(self, redis: RedisSettings, policy: PolicySettings) -> None:
        super().__init__(redis)
        self._audit = audit_log(policy)

    async def add(self, session_id: str, mark: Mark) -> None:
        """Keep a mark on a window of a session; raises Unavailable."""
        key = keys.feedback(session_id)
        with translated(self._settings):
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(key, mark.window, mark.model_dump_json())
            pipe.expire(key, self._settings.ttl_s)
            await pipe.execute()
        detail = {"party": mark.party, "end_ms": mark.end_ms, "right": int(mark.right), "label": mark.label}
        await asyncio.to_thread(self._audit.append, "feedback", session_id, mark.by, detail)

    async def marks(self, session_id: str) -> list[Mark]:
        """Return the marks of a session by party and time, without what cannot be read."""
        with translated(self._settings):
            found = await self._redis.hvals(keys.feedback(session_id))
        marks = [mark for text in found if (mark := _readable(text)) is not None]
        return sorted(marks, key=lambda mark: (mark.end_ms, mark.party))

    async def sessions(self) -> list[str]:
        """Return the sessions that have marks, by name."""
        start, end = keys.feedback("\0").split("\0")
        with translated(self._settings):
            found = [key async for key in self._redis.scan_iter(match=f"{start}*{end}")]
        names = [key.decode() if isinstance(key, bytes) else key for key in found]
        return sorted(name[len(start) : len(name) - len(end)] for name in names)


def _readable(text: bytes | str) -> Mark | None:
    try:
        return Mark.model_validate_json(text)
    except ValidationError:
        return None
