"""The newest windows of the calls whose platforms want them back: read for all of them once a second."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from affectstream.runtime.store import FusedStore
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import FusedEmotion, Party, PartyKey

PERIOD_S = 1.0

log = structlog.get_logger(__name__)


class Feedback:
    """The parties that are asked for, and the newest final of each that was not taken yet."""

    def __init__(self, store: FusedStore) -> None:
        self._store = store
        self._asking: Counter[PartyKey] = Counter()  # streams; two while one takes a call over
        self._asked: dict[PartyKey, int] = {}  # to the end of the newest window that was seen
        self._new: dict[PartyKey, FusedEmotion] = {}

    @contextmanager
    def asked(self, session_id: str, parties: Sequence[Party]) -> Iterator[None]:
        """Read the windows of these parties while the context is open."""
        keys: list[PartyKey] = [(session_id, party) for party in parties]
        self._asking.update(keys)
        self._asked = dict.fromkeys(keys, 0) | self._asked
        try:
            yield
        finally:
            self._asking.subtract(keys)
            for key in [key for key in keys if not self._asking[key]]:
                del self._asking[key], self._asked[key]
                self._new.pop(key, None)

    def taken(self, session_id: str, parties: Sequence[Party]) -> list[FusedEmotion]:
        """Return what is new of these parties since it was taken."""
        if not self._new:
            return []
        found = [self._new.pop((session_id, party), None) for party in parties]
        return [final for final in found if final]

    async def run(self) -> None:
        """Read on until cancelled."""
        while True:
            try:
                await self.read()
            except Unavailable as error:
                log.warning("emotions_not_read", why=str(error))
            await asyncio.sleep(PERIOD_S)

    async def read(self) -> None:
        """Read the newest windows once; raises Unavailable."""
        keys = [*self._asked]
        for key, newest in zip(keys, await self._store.newest_of(keys), strict=True):
            final = newest.final if newest else None
            if final and key in self._asked and final.end_ms > self._asked[key]:
                self._asked[key] = final.end_ms
                self._new[key] = final
