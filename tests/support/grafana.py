"""A stand-in for a Grafana: the documented endpoints that the commands use, with everything in memory."""

from typing import Any

import aiohttp
from aiohttp import web

from affectstream.dashboards.grafana import source

TOKEN = "glsa_the-right-one"
VALUES = {"string": "call-7", "number": 0.5, "timestamp_epoch": 1_700_000_000_000}


class Grafana:
    """Folders, data sources and dashboards in memory, behind the paths that Grafana documents."""

    def __init__(self) -> None:
        self.folders: dict[str, Any] = {}
        self.sources: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        self.plugins = [{"id": source.TYPE, "type": "datasource"}]
        self.annotations: dict[int, Any] = {}
        self.written = 0
        self.version = "13.2.1"
        self.healthy = True
        self.rows = 1  # that a query gives
        self.broken: dict[str, str] = {}  # errors of queries by their path
        self.api: str | None = None  # queries are run against it, where it is set

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
                web.get("/grafana/api/dashboards/uid/{uid}", self.get_dashboard),
                web.post("/grafana/api/ds/query", self.query),
                web.get("/grafana/api/annotations", self.find_annotations),
                web.post("/grafana/api/annotations", self.add_annotation),
                web.delete("/grafana/api/annotations/{id}", self.delete_annotation),
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
        return web.json_response({"buildInfo": {"version": self.version, "edition": "Open Source"}})

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

    async def get_dashboard(self, request: web.Request) -> web.Response:
        return self._known(self.dashboards, request.match_info["uid"], "Dashboard not found")

    async def query(self, request: web.Request) -> web.Response:
        (target,) = (await request.json())["queries"]
        if "expr" in target:
            return self._measured(target)
        if error := self.broken.get(target["url"]):
            return web.json_response(
                {"results": {target["refId"]: {"error": error, "status": 500}}}, status=400
            )
        rows = await self._asked(target) if self.api else [self._row(target)] * self.rows
        names = [column["text"] for column in target["columns"]]
        frame = {
            "schema": {"refId": target["refId"], "fields": [{"name": name} for name in names]},
            "data": {"values": [[row[name] for row in rows] for name in names]},
        }
        return web.json_response({"results": {target["refId"]: {"status": 200, "frames": [frame]}}})

    def _measured(self, target: Any) -> web.Response:
        """What Prometheus's data source gives: a frame per series, here one or none."""
        fields = [{"name": "Time"}, {"name": "Value"}]
        values = [[VALUES["timestamp_epoch"]] * self.rows, [VALUES["number"]] * self.rows]
        frames = [{"schema": {"fields": fields}, "data": {"values": values}}]
        return web.json_response({"results": {target["refId"]: {"status": 200, "frames": frames}}})

    @staticmethod
    def _row(target: Any) -> dict[str, Any]:
        return {column["text"]: VALUES[column["type"]] for column in target["columns"]}

    async def _asked(self, target: Any) -> list[dict[str, Any]]:
        """What the data source's backend parser makes of the API's answer."""
        params = {pair["key"]: pair["value"] for pair in target["url_options"]["params"]}
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{self.api}{target['url']}", params=params) as answer,
        ):
            assert answer.status == 200, await answer.text()
            found = await answer.json()
        rows = found[target["root_selector"]]
        return [{each["text"]: row[each["selector"]] for each in target["columns"]} for row in rows]

    async def find_annotations(self, request: web.Request) -> web.Response:
        tags = set(request.query.getall("tags", []))
        return web.json_response([each for each in self.annotations.values() if tags <= set(each["tags"])])

    async def add_annotation(self, request: web.Request) -> web.Response:
        self.written += 1
        self.annotations[self.written] = await request.json() | {"id": self.written}
        return web.json_response({"message": "Annotation added", "id": self.written})

    async def delete_annotation(self, request: web.Request) -> web.Response:
        del self.annotations[int(request.match_info["id"])]
        return web.json_response({"message": "Annotation deleted"})

    @staticmethod
    def _known(held: dict[str, Any], uid: str, message: str) -> web.Response:
        if uid in held:
            return web.json_response(held[uid])
        return web.json_response({"message": message}, status=404)
