"""Rates, sizes and origins of requests."""

import httpx
import pytest
from pydantic import SecretStr

from affectstream.dashboards.api import create_app
from affectstream.dashboards.limits import Limits
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore

NOWHERE = RedisSettings(url="redis://127.0.0.1:1/0")
ELSEWHERE = "https://page.example"


async def ask(limits: Limits, method: str = "GET", token: str = "", **options: object) -> httpx.Response:
    secret = SecretStr(token) if token else None
    transport = httpx.ASGITransport(create_app(FusedStore(NOWHERE), secret, limits=limits))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as api:
        for _ in range(2):
            response = await api.request(method, "/api/sessions/a/customer/timeline?limit=0", **options)  # type: ignore[arg-type]
    return response


async def test_too_many_requests_are_429_with_when_to_come_again():
    response = await ask(Limits(requests_per_minute=1))
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) == 60
    assert (await ask(Limits())).status_code == 422


async def test_a_token_has_a_rate_of_its_own_which_a_wrong_one_does_not_use_up():
    limits = Limits(token_requests_per_minute=1)
    right, wrong = ({"Authorization": f"Bearer {token}"} for token in ("right", "wrong"))
    assert (await ask(limits, token="right", headers=wrong)).status_code == 401
    response = await ask(limits, token="right", headers=right)
    assert (response.status_code, response.headers["retry-after"]) == (429, "60")
    assert "api.token_requests_per_minute" in response.text


@pytest.mark.parametrize(("origins", "allowed"), [((), None), ((ELSEWHERE,), ELSEWHERE)])
async def test_pages_of_elsewhere_read_nothing_unless_they_are_named(origins, allowed):
    response = await ask(Limits(cors_origins=origins), headers={"Origin": ELSEWHERE})
    assert response.headers.get("access-control-allow-origin") == allowed
