"""The API's bearer token: asked for where one is set, and never where none is."""

import httpx
import pytest
from pydantic import SecretStr

from affectstream.dashboards.api import create_app
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore

NOWHERE = RedisSettings(url="redis://127.0.0.1:1/0")  # past the guard, an answer is 503


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        ("right", None, 401),
        ("right", "Bearer wrong", 401),
        ("right", "Basic right", 401),
        ("right", "Bearer right", 503),
        (None, None, 503),
    ],
)
async def test_sessions_are_guarded(token: str | None, sent: str | None, status: int) -> None:
    app = create_app(FusedStore(NOWHERE), SecretStr(token) if token else None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        answer = await client.get("/api/sessions", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == status, answer.text
    assert "detail" in answer.json()
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
