"""The API on a Redis with access control, as the user that the compose file gives it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.redis_server import SecuredRedis, secured_redis

from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredRedis]:
    with secured_redis(tmp_path_factory.mktemp("guarded")) as server:
        yield server


async def test_the_api_serves_by_tls_as_its_own_user_and_nothing_is_refused(
    guarded: SecuredRedis, running: Any, call: list[FusedEmotion]
):
    async with FusedStore(guarded.settings("fusion")) as store:
        await store.write(call)
    own = guarded.settings("api")
    assert own.password is not None
    settings = {
        "AFFECT_REDIS__URL": own.url,
        "AFFECT_REDIS__USERNAME": str(own.username),
        "AFFECT_REDIS__PASSWORD": own.password.get_secret_value(),
        "AFFECT_REDIS__CA_FILE": str(own.ca_file),
    }
    session = f"/api/sessions/{call[0].session_id}"
    with running(settings) as (url, _):
        async with httpx.AsyncClient(base_url=url, timeout=10) as api:
            assert (await api.get("/readyz")).status_code == 200
            found = (await api.get("/api/sessions")).json()
            assert found.get("sessions"), (found, await guarded.refusals())
            page = (await api.get(f"{session}/customer/timeline")).json()
            assert len(page["windows"]) == len(call)
            for path in ("customer/latest", "customer/buckets?buckets=5", "summary", "turns", "alerts"):
                assert (await api.get(f"{session}/{path}")).status_code == 200, path
    assert await guarded.refusals() == []
