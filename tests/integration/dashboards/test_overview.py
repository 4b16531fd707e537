"""`dashboards check` through a stand-in of Grafana that asks the running API, as the data source would."""

import asyncio
import os
import sys

import pytest
from aiohttp.test_utils import TestServer
from support.grafana import TOKEN, Grafana

from affectstream.dashboards.check import check
from affectstream.dashboards.push import push
from affectstream.runtime.process import die_with_parent

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


async def run(redis_url: str, *arguments: str) -> tuple[int | None, str]:
    """Return the exit code and the output of a command of the group."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AFFECT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", "from affectstream.cli import main; main()", "dashboards", *arguments),
        env=env | {"AFFECT_REDIS__URL": redis_url, "GRAFANA_TOKEN": TOKEN, "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        preexec_fn=die_with_parent,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_the_commands_push_check_and_annotate(redis_url):
    grafana = Grafana()
    async with TestServer(grafana.app()) as server:
        url = str(server.make_url("/grafana"))
        missing = await run(redis_url, "check", url)
        pushed = await run(redis_url, "push", url)
        sound = await run(redis_url, "check", url)
        annotated = await run(redis_url, "annotate", "call-0042", url)
        unknown = await run(redis_url, "annotate", "no-such-call", url)

    assert missing[0] == 1
    assert "failed Calls overview" in missing[1]
    assert pushed[0] == 0, pushed[1]
    assert sound[0] == 0, sound[1]
    assert annotated[0] == 0, annotated[1]
    assert f"{len(grafana.annotations)} annotations of call-0042, in the place of 0" in annotated[1]
    assert unknown[0] == 2
    assert "Redis holds nothing of a session 'no-such-call'" in unknown[1]
