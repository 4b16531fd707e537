"""Pushing to a Grafana: a local server answers as the documented HTTP API does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.grafana import TOKEN, Grafana

from affectstream.dashboards.grafana import build, source
from affectstream.dashboards.push import FOLDER_UID, Pushed, push
from affectstream.schemas.errors import AffectError, InputError, Unavailable

API = "http://api.example:8350"


@pytest.fixture
def grafana() -> Grafana:
    return Grafana()


@pytest.fixture
async def url(grafana: Grafana) -> AsyncIterator[str]:
    async with TestServer(grafana.app()) as server:
        yield str(server.make_url("/grafana"))


async def pushed(url: str, token: str = TOKEN, api_url: str = API, **options: Any) -> Pushed:
    return await asyncio.to_thread(push, url, token, api_url, **options)


async def test_push_writes_folder_data_source_and_dashboard_and_says_where(grafana: Grafana, url: str):
    result = await pushed(url)

    assert grafana.folders[FOLDER_UID]["title"] == "affectstream"
    assert grafana.sources[source.UID] == source.datasource(API)
    saved = grafana.dashboards["affect-call-timeline"]
    assert saved["dashboard"] == build.timeline()
    assert saved["folderUid"] == FOLDER_UID
    assert result == Pushed(
        "13.2.1",
        FOLDER_UID,
        source.UID,
        tuple(f"{url}/d/{each['uid']}/call-timeline" for each in build.dashboards().values()),
        "OK",
    )


async def test_push_again_updates_what_is_there(grafana: Grafana, url: str):
    await pushed(url)
    await pushed(url, api_url="http://elsewhere.example:8350/", api_token="of-the-api")

    assert grafana.sources[source.UID] == source.datasource("http://elsewhere.example:8350", "of-the-api")
    assert len(grafana.dashboards) == len(build.dashboards())


async def test_a_provisioned_data_source_is_left_alone(grafana: Grafana, url: str):
    provisioned = source.datasource("http://api:8350") | {"readOnly": True}
    grafana.sources[source.UID] = provisioned

    await pushed(url)

    assert grafana.sources[source.UID] is provisioned


async def test_an_api_that_grafana_cannot_reach_yet_is_reported_and_no_failure(grafana: Grafana, url: str):
    grafana.healthy = False

    assert (await pushed(url)).data_source_health == "cannot reach the API"


@pytest.mark.parametrize(
    ("token", "words"), [("wrong", "does not know this token"), ("of-a-viewer", "may not do this")]
)
async def test_a_refused_token_says_which_one_is_needed_and_never_shows_it(url: str, token: str, words: str):
    with pytest.raises(AffectError, match=words) as caught:
        await pushed(url, token=token)

    assert "role Admin" in str(caught.value)
    assert token not in str(caught.value)


async def test_a_missing_plugin_says_how_to_install_it(grafana: Grafana, url: str):
    grafana.plugins.clear()

    with pytest.raises(InputError, match="plugins install yesoreyeram-infinity-datasource"):
        await pushed(url)
    assert not grafana.dashboards


async def test_a_closed_port_is_unavailable():
    with pytest.raises(Unavailable, match=r"no Grafana answers at 127\.0\.0\.1:9"):
        await pushed("http://127.0.0.1:9")


async def test_a_server_that_is_no_grafana_is_unavailable():
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>hello</html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{any:.*}", page)
    async with TestServer(app) as server:
        with pytest.raises(Unavailable, match="no Grafana answers"):
            await pushed(str(server.make_url("")))


@pytest.mark.parametrize("bad", ["grafana:3000", "ftp://grafana", "http://admin:secret@grafana:3000"])
async def test_an_impossible_url_is_refused_without_asking_anybody(bad: str):
    with pytest.raises(InputError) as caught:
        await pushed(bad)
    assert "secret" not in str(caught.value)
