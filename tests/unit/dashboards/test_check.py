"""Checking a Grafana and annotating a call on it, against a stand-in of the documented endpoints."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer
from support.grafana import TOKEN, Grafana
from support.session_lines import labelled

from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display
from affectstream.analytics.rules import Rule
from affectstream.analytics.summary import summarise
from affectstream.analytics.turns import conversation
from affectstream.dashboards.annotate import annotate, annotations
from affectstream.dashboards.check import Finding, check
from affectstream.dashboards.grafana import build, pipeline, source
from affectstream.dashboards.push import push
from affectstream.schemas.errors import AffectError

NOW_MS = 1_700_000_000_000
RULE = Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=1)
FINALS = labelled("nnnnnnnnaaaaaaaa")
WANTED = annotations(
    conversation(FINALS, Display()).turns, summarise(FINALS, Display()), alerts([RULE], FINALS)
)


@pytest.fixture
def grafana() -> Grafana:
    grafana = Grafana()
    grafana.sources[pipeline.REF["uid"]] = pipeline.REF
    return grafana


@pytest.fixture
async def url(grafana: Grafana) -> AsyncIterator[str]:
    async with TestServer(grafana.app()) as server:
        url = str(server.make_url("/grafana"))
        await asyncio.to_thread(push, url, TOKEN, "http://api.example:8350")
        yield url


async def checked(url: str, token: str = TOKEN) -> list[Finding]:
    return await asyncio.to_thread(check, url, token, NOW_MS)


def failed(found: list[Finding]) -> dict[str, str]:
    return {each.what: each.text for each in found if each.state == "failed"}


async def test_a_grafana_that_was_pushed_to_is_sound(url: str):
    found = await checked(url)

    assert {each.state for each in found} == {"ok"}
    assert [each.what for each in found[:3]] == ["Grafana", "plugin", "data source"]
    assert "Call timeline: annotation Contradictions" in {each.what for each in found}


async def test_panels_without_rows_are_no_failure(grafana: Grafana, url: str):
    grafana.rows = 0

    found = await checked(url)

    assert not failed(found)
    assert all(each.state == "empty" for each in found[3:])


async def test_a_grafana_without_prometheus_lacks_one_dashboard_and_nothing_else(grafana: Grafana, url: str):
    del grafana.sources[pipeline.REF["uid"]]

    (lacking,) = [each for each in await checked(url) if each.state != "ok"]

    assert (lacking.what, lacking.state) == ("Pipeline health", "empty")


async def test_a_query_that_fails_is_named_with_its_reason(grafana: Grafana, url: str):
    grafana.broken = {source.MOODS: "401 Unauthorized"}

    assert failed(await checked(url)) == {"Calls overview: Moods of all calls": "401 Unauthorized"}


async def test_what_is_missing_is_named(grafana: Grafana, url: str):
    grafana.plugins.clear()
    grafana.dashboards.clear()
    grafana.version, grafana.healthy = "11.6.0", False

    found = failed(await checked(url))

    dashboards = [each["title"] for each in build.dashboards().values()]
    assert list(found) == ["Grafana", "plugin", "data source", *dashboards]
    assert found["data source"] == "cannot reach the API"


@pytest.mark.parametrize("token", ["wrong", "of-a-viewer"])
async def test_a_refused_token_is_an_error_and_never_shown(url: str, token: str):
    with pytest.raises(AffectError, match="needed is") as caught:
        await checked(url, token)

    assert token not in str(caught.value)


async def test_a_call_is_annotated_with_what_happened(grafana: Grafana, url: str):
    before = await asyncio.to_thread(annotate, url, TOKEN, "call-7", WANTED)

    assert before == 0
    assert {(a["time"], a["timeEnd"], a["text"]) for a in grafana.annotations.values()} == {
        (each.start_ms, each.end_ms, each.text) for each in WANTED
    }
    assert {"alert", "turning_point"} <= {each.kind for each in WANTED}
    assert all({"affectstream", "call:call-7"} < set(a["tags"]) for a in grafana.annotations.values())


async def test_annotating_again_replaces_and_leaves_other_calls_alone(grafana: Grafana, url: str):
    for session in ("call-7", "call-8", "call-7"):
        before = await asyncio.to_thread(annotate, url, TOKEN, session, WANTED)

    assert before == len(WANTED)
    assert len(grafana.annotations) == 2 * len(WANTED)
