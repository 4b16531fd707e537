"""Consent and pauses on the way of a producer's messages to Kafka."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from affectstream.producers.playback import Playable
from affectstream.producers.replay import Send
from affectstream.runtime.consent import Consents
from affectstream.runtime.settings import Settings
from affectstream.schemas.consent import withheld
from affectstream.schemas.errors import PolicyError, Unavailable
from affectstream.schemas.messages import EndOfStream, Observations

log = structlog.get_logger(__name__)


@asynccontextmanager
async def guarded(send: Send, settings: Settings) -> AsyncIterator[Send]:
    """Yield a ``send`` that asks for consent before each message.

    Where Redis does not answer at all, messages go out as they are: the workers wait until they know.
    """
    async with AsyncExitStack() as stack:
        try:
            consents = await stack.enter_async_context(Consents(settings.redis, settings.policy))
        except Unavailable as error:
            log.warning("consent_not_known", why=str(error))
            yield send
            return

        async def permitted(message: Playable) -> Awaitable[None] | None:
            return await send(await _judged(message, consents))

        yield permitted


async def _judged(message: Playable, consents: Consents) -> Playable:
    """Return a message, or its place in the stream without media; raises PolicyError after a withdrawal."""
    session_id = message.items[0].session_id if isinstance(message, Observations) else message.session_id
    if session_id not in consents.known:
        await consents.learn([session_id])
    if consents.standing(session_id).consent == "withdrawn":
        raise PolicyError(f"consent to session {session_id} was withdrawn: nothing more of it is sent")
    if isinstance(message, EndOfStream | Observations):
        return message
    reason = consents.withholds(message)
    return message if reason is None else withheld(message, reason)
