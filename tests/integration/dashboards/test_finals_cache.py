"""A reader's cache of finals: each is decoded once, and what Redis holds is what is returned."""

import pytest

from affectstream.runtime import rows
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion

pytestmark = pytest.mark.integration


async def test_finals_are_decoded_once_and_a_session_written_again_is_read_as_it_is(
    call: list[FusedEmotion], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, parsed = [], rows.parsed

    def counted(detail: bytes) -> FusedEmotion:
        decoded.append(detail)
        return parsed(detail)

    monkeypatch.setattr(rows, "parsed", counted)
    session, party = call[0].session_id, call[0].party
    with EmbeddedRedis() as redis:
        settings = load(redis={"url": redis.url}).redis
        async with FusedStore(settings, cached_finals=100) as store:
            await store.write(call[:20])
            for _ in range(3):
                assert await store.finals(session, party) == call[:20]
            assert len(decoded) == 20
            await store.write(call[20:])
            assert await store.finals(session, party) == call
            assert len(decoded) == len(call)

            await store.purge(session)
            again = [window.model_copy(update={"confidence": 0.25}) for window in call]
            await store.write(again)
            assert await store.finals(session, party) == again
