"""An operator's trust, asked of the store once a window."""

import os
import socket
from collections.abc import Mapping

import structlog

from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import Modality

log = structlog.get_logger(__name__)

EVERY_MS = 1000  # at most; a shorter window asks more often
BY = f"fusion process {os.getpid()} on {socket.gethostname()}"  # in the log of trust


class OperatorTrust:
    """The trust that an operator has set, as this process last saw it."""

    def __init__(self, store: FusedStore, window_ms: int) -> None:
        self.by_modality: Mapping[Modality, float] = {}
        self._store = store
        self._every_ms = min(EVERY_MS, window_ms)
        self._next_ms = 0

    async def changed(self, now_ms: int) -> bool:
        """Ask where it is time, and say whether trust is another now; a change is logged in the store."""
        if now_ms < self._next_ms:
            return False
        self._next_ms = now_ms + self._every_ms
        try:
            trust = await self._store.trust()
        except Unavailable as error:
            log.warning("trust_unknown", error=str(error))
            return False
        if trust == self.by_modality:
            return False
        self.by_modality = trust
        log.info("trust_set", **trust)
        try:
            await self._store.saw_trust(trust, BY)
        except Unavailable as error:
            log.warning("trust_not_logged", error=str(error))
        return True
