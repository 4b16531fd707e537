"""`dashboards check` through a stand-in of Grafana that asks the running API, as the data source would."""

import asyncio

import pytest
from aiohttp.test_utils import TestServer
from support.grafana import TOKEN, Grafana

from affectstream.dashboards.check import check
from affectstream.dashboards.push import push

pytestmark = pytest.mark.integration

NOW_MS = 1_700_000_060_000
EMPTY = {
    "Call timeline: annotation Turning points",
    "Call timeline: annotation Contradictions",
    "Pipeline health",  # over Prometheus, which the stand-in has none of
}


async def test_every_query_of_every_dashboard_finds_its_fields(redis_url, running):
    """The call is live while its API is young."""
    with running({"AFFECT_REDIS__URL": redis_url}) as (api_url, _):
        grafana = Grafana()
        grafana.api = api_url
        async with TestServer(grafana.app()) as server:
            url = str(server.make_url("/grafana"))
            await asyncio.to_thread(push, url, TOKEN, api_url)
            found = await asyncio.to_thread(check, url, TOKEN, NOW_MS)

    assert [each for each in found if each.state == "failed"] == []
    assert {each.what for each in found if each.state == "empty"} <= EMPTY
    assert any(each.what == "Calls overview: Moods of all calls" for each in found)
