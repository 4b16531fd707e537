"""Rates, sizes and origins of requests."""

import httpx
import pytest

from affectstream.dashboards.api import create_app
from affectstream.dashboards.limits import Limits, RateLimit
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore

NOWHERE = RedisSettings(url="redis://127.0.0.1:1/0")
ELSEWHERE = "https://page.example"


# 60 a minute: ten at once, then one a second
def test_an_address_may_ask_at_its_rate_with_some_seconds_at_once():
    now_s = 0.0
    limit = RateLimit(60, lambda: now_s)
    assert [limit.wait_s("a") for _ in range(10)] == [0.0] * 10
    assert limit.wait_s("a") == pytest.approx(1.0)
    assert limit.wait_s("b") == 0.0
    now_s = 1.0
    assert limit.wait_s("a") == 0.0
    assert limit.wait_s("a") > 0
    now_s = 100.0
    assert [limit.wait_s("a") for _ in range(10)] == [0.0] * 10


def test_a_rate_below_one_in_ten_seconds_admits_the_first():
    limit = RateLimit(1, lambda: 0.0)
    assert limit.wait_s("a") == 0.0
    assert limit.wait_s("a") == pytest.approx(60.0)


async def ask(limits: Limits, method: str = "GET", **options: object) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(FusedStore(NOWHERE), limits=limits))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as api:
        for _ in range(2):
            response = await api.request(method, "/api/sessions/a/customer/timeline?limit=0", **options)  # type: ignore[arg-type]
    return response


async def test_too_many_requests_are_429_with_when_to_come_again():
    response = await ask(Limits(requests_per_minute=1))
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) == 60
    assert (await ask(Limits())).status_code == 422


@pytest.mark.parametrize(("origins", "allowed"), [((), None), ((ELSEWHERE,), ELSEWHERE)])
async def test_pages_of_elsewhere_read_nothing_unless_they_are_named(origins, allowed):
    response = await ask(Limits(cors_origins=origins), headers={"Origin": ELSEWHERE})
    assert response.headers.get("access-control-allow-origin") == allowed
