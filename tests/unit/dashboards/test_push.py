"""Pushing to a Grafana: a local server answers as the documented HTTP API does."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from affectstream.dashboards.grafana import build, source
from affectstream.dashboards.push import FOLDER_UID, Pushed, push
from affectstream.schemas.errors import AffectError, InputError, Unavailable

TOKEN = "glsa_the-right-one"
API = "http://api.example:8350"


class Grafana:
    """Folders, data sources and dashboards in memory, behind the paths that Grafana documents."""

    def __init__(self) -> None:
        self.folders: dict[str, Any] = {}
        self.sources: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        self.plugins = [{"id": source.TYPE, "type": "datasource"}]
        self.healthy = True

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self.authorised])
        app.add_routes(
            [
                web.get("/grafana/api/frontend/settings", self.settings),
                web.get("/grafana/api/plugins", self.list_plugins),
                web.get("/grafana/api/folders/{uid}", self.get_folder),
                web.post("/grafana/api/folders", self.create_folder),
                web.get("/grafana/api/datasources/uid/{uid}", self.get_source),
                web.post("/grafana/api/datasources", self.create_source),
                web.put("/grafana/api/datasources/uid/{uid}", self.update_source),
                web.get("/grafana/api/datasources/uid/{uid}/health", self.source_health),
                web.post("/grafana/api/dashboards/db", self.save_dashboard),
            ]
        )
        return app

    @web.middleware
    async def authorised(self, request: web.Request, handler: Any) -> web.StreamResponse:
        bearer = request.headers.get("Authorization", "")
        if bearer == "Bearer of-a-viewer":
            return web.json_response({"message": "Permission denied"}, status=403)
        if bearer != f"Bearer {TOKEN}":
            return web.json_response({"message": "Invalid API key"}, status=401)
        return await handler(request)

    async def settings(self, request: web.Request) -> web.Response:
        return web.json_response({"buildInfo": {"version": "13.2.1", "edition": "Open Source"}})

    async def list_plugins(self, request: web.Request) -> web.Response:
        return web.json_response(self.plugins)

    async def get_folder(self, request: web.Request) -> web.Response:
        return self._known(self.folders, request.match_info["uid"], "folder not found")

    async def create_folder(self, request: web.Request) -> web.Response:
        folder = await request.json()
        self.folders[folder["uid"]] = folder
        return web.json_response(folder | {"url": f"/grafana/dashboards/f/{folder['uid']}"})

    async def get_source(self, request: web.Request) -> web.Response:
        return self._known(self.sources, request.match_info["uid"], "Data source not found")

    async def create_source(self, request: web.Request) -> web.Response:
        new = await request.json()
        if new["uid"] in self.sources:
            return web.json_response({"message": "data source with the same uid already exists"}, status=409)
        self.sources[new["uid"]] = new
        return web.json_response({"datasource": new, "id": 1, "message": "Datasource added"})

    async def update_source(self, request: web.Request) -> web.Response:
        self.sources[request.match_info["uid"]] = await request.json()
        return web.json_response({"message": "Datasource updated"})

    async def source_health(self, request: web.Request) -> web.Response:
        if self.healthy:
            return web.json_response({"message": "OK", "status": "OK"})
        return web.json_response({"message": "cannot reach the API", "status": "ERROR"}, status=400)

    async def save_dashboard(self, request: web.Request) -> web.Response:
        body = await request.json()
        dashboard = body["dashboard"]
        if dashboard["uid"] in self.dashboards and not body["overwrite"]:
            return web.json_response({"message": "A dashboard with the same uid exists"}, status=412)
        self.dashboards[dashboard["uid"]] = body
        return web.json_response(
            {"uid": dashboard["uid"], "url": f"/grafana/d/{dashboard['uid']}/call-timeline", "version": 1}
        )

    @staticmethod
    def _known(held: dict[str, Any], uid: str, message: str) -> web.Response:
        if uid in held:
            return web.json_response(held[uid])
        return web.json_response({"message": message}, status=404)


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
    assert saved["dashboard"] == build.dashboard()
    assert saved["folderUid"] == FOLDER_UID
    assert result == Pushed(
        "13.2.1",
        FOLDER_UID,
        source.UID,
        f"{url}/d/affect-call-timeline/call-timeline",
        "OK",
    )


async def test_push_again_updates_what_is_there(grafana: Grafana, url: str):
    await pushed(url)
    await pushed(url, api_url="http://elsewhere.example:8350/", api_token="of-the-api")

    assert grafana.sources[source.UID] == source.datasource("http://elsewhere.example:8350", "of-the-api")
    assert len(grafana.dashboards) == 1


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
