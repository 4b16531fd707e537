"""What the gateway asks and notes about the sessions that it takes in: consent, pauses, the audit log."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field

import structlog

from affectstream.producers.gateway.call import WITHDRAWN, Call
from affectstream.producers.gateway.events import Consented, Fault, Paused, Resumed
from affectstream.runtime.audit import AuditLog, audit_log
from affectstream.runtime.consent import Consents
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.redis_client import soon
from affectstream.runtime.settings import Settings
from affectstream.schemas.audit import Did
from affectstream.schemas.consent import Consent
from affectstream.schemas.errors import AffectError, PolicyError, Unavailable
from affectstream.schemas.messages import Reason

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Permission:
    """What all connections share of it."""

    consents: Consents
    store: ConsentStore
    audit: AuditLog
    calls: dict[str, list[Call]] = field(default_factory=dict)  # that are taken in, by session

    async def admit(self, session_id: str) -> None:
        """Know the standing of a session; where Redis does not answer, the workers wait until it does.

        Raises Fault where consent was withdrawn.
        """
        try:
            await soon(self.consents.ask([session_id]))
        except Unavailable as error:
            log.warning("consent_not_known", why=str(error))
            self.consents.assume(session_id)
        if self.consents.standing(session_id).consent == "withdrawn":
            raise Fault(WITHDRAWN)

    @contextmanager
    def following(self, call: Call) -> Iterator[None]:
        """Withhold what may not be analysed of a call, as it changes, while the context is open."""
        calls = self.calls.setdefault(call.plan.session_id, [])
        calls.append(call)
        self._judge(call)
        try:
            yield
        finally:
            calls.remove(call)
            if not calls:
                self.calls.pop(call.plan.session_id, None)

    def changed(self, session_id: str) -> None:
        """Take note of a change of a session's standing."""
        for call in self.calls.get(session_id, ()):
            self._judge(call)

    def _judge(self, call: Call) -> None:
        session_id = call.plan.session_id
        standing = self.consents.standing(session_id)
        if standing.consent == "withdrawn":
            call.withdraw()
        elif self.consents.refuses(session_id):
            call.pauses.hold(Reason.NOT_PERMITTED)
        else:
            call.pauses.hold(Reason.PAUSED if standing.paused else None)

    async def consented(self, session_id: str, consent: Consent, by: str) -> None:
        """Set the consent to a session, as its stream states it; a withdrawal holds here whatever happens."""
        try:
            self.consents.note(session_id, await self.store.set(session_id, consent, by))
        except PolicyError:
            raise Fault(WITHDRAWN) from None
        except AffectError as error:
            log.error("consent_not_kept", session=session_id, consent=consent, why=str(error))
            self.consents.note(session_id, self.consents.standing(session_id).with_consent(consent))

    async def steered(self, session_id: str, event: Paused | Resumed | Consented, by: str) -> None:
        """Take note of a pause, its end, or the consent, as a stream's protocol states it; raises Fault."""
        if isinstance(event, Consented):
            await self.consented(session_id, event.consent, by)
            if event.consent == "withdrawn":
                raise Fault(WITHDRAWN)
            return
        did: Did = "pause" if isinstance(event, Paused) else "resume"
        try:
            await asyncio.to_thread(self.audit.append, did, session_id, by)
        except AffectError as error:
            log.error("not_in_audit_log", did=did, session=session_id, why=str(error))


async def permission(exits: AsyncExitStack, settings: Settings) -> Permission:
    """Return what the connections of one gateway share; Redis is followed until ``exits`` are closed."""
    consents = await exits.enter_async_context(Consents(settings.redis, settings.policy))
    store = await exits.enter_async_context(ConsentStore(settings.redis, settings.policy))
    made = Permission(consents, store, audit_log(settings.policy))
    consents.on_change = made.changed
    return made
