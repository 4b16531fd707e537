"""Check of a Grafana: its version, plugin and data source, and the query of every panel through it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from grafana_client.client import GrafanaClientError, GrafanaException, GrafanaUnauthorizedError

from affectstream.dashboards.connection import connected, message
from affectstream.dashboards.grafana import build, pipeline, source

Json = dict[str, Any]
State = Literal["ok", "empty", "failed"]

NEEDS = "a service account token that may read plugins, dashboards and data sources (the role Admin may)"
OLDEST = 12  # the schema version of the dashboards is of Grafana 12
RANGE = ("now-24h", "now")
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Finding:
    """What was checked and how it is; `empty`: works, and there is nothing to show yet."""

    what: str
    state: State
    text: str


def check(url: str, token: str, now_ms: int) -> list[Finding]:
    """Return the findings in order; raises as `connected` does where nothing can be checked at all."""
    with connected(url, token, NEEDS) as grafana:
        found = [_version(str(grafana.health.check()["version"])), _plugin(grafana.plugin.list())]
        found.append(_health(grafana))
        shown = {"__from": str(now_ms - DAY_MS), "__to": str(now_ms)}
        for dashboard in build.dashboards().values():
            found += _dashboard(grafana, dashboard, shown)
        return found


def _version(version: str) -> Finding:
    major = re.match(r"\d+", version)
    if major and int(major[0]) >= OLDEST:
        return Finding("Grafana", "ok", version)
    return Finding("Grafana", "failed", f"{version}; the dashboards need {OLDEST} or newer")


def _plugin(plugins: list[Json]) -> Finding:
    for plugin in plugins:
        if plugin["id"] == source.TYPE:
            return Finding(
                "plugin", "ok", f"{source.TYPE} {plugin.get('info', {}).get('version', '')}".strip()
            )
    return Finding("plugin", "failed", f"{source.TYPE} is not installed")


def _health(grafana: Any) -> Finding:
    try:
        answer = grafana.datasource.health(source.UID)
    except GrafanaUnauthorizedError:
        raise
    except GrafanaException as error:
        return Finding("data source", "failed", message(error))
    return Finding("data source", "ok" if answer.get("status") == "OK" else "failed", str(answer["message"]))


def _dashboard(grafana: Any, dashboard: Json, shown: Mapping[str, str]) -> Iterator[Finding]:
    title = dashboard["title"]
    try:
        grafana.dashboard.get_dashboard(dashboard["uid"])
    except GrafanaClientError as error:
        if error.status_code != 404:
            raise
        yield Finding(title, "failed", "is not there; `affectstream dashboards push` writes it")
    if not _has_source(grafana, dashboard):
        yield Finding(title, "empty", f"there is no data source with the uid {pipeline.REF['uid']}")
        return
    chosen = dict(shown)
    for variable in dashboard["templating"]["list"]:
        rows = _values(grafana, _filled(variable["query"]["infinityQuery"], chosen))
        chosen[variable["name"]] = next(iter(rows), "")
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield _panel(grafana, f"{title}: {panel['title']}", _filled(target, chosen))
    for each in dashboard["annotations"]["list"]:
        yield _panel(grafana, f"{title}: annotation {each['name']}", _filled(each["target"], chosen))


def _has_source(grafana: Any, dashboard: Json) -> bool:
    """Return whether there is the Prometheus that a dashboard is over; the API is checked by itself."""
    if all(panel["datasource"] != pipeline.REF for panel in dashboard["panels"]):
        return True
    try:
        grafana.datasource.get_datasource_by_uid(pipeline.REF["uid"])
    except GrafanaClientError as error:
        if error.status_code != 404:
            raise
        return False
    return True


def _panel(grafana: Any, what: str, target: Json) -> Finding:
    try:
        fields = _fields(_asked(grafana, target))
    except QueryError as error:
        return Finding(what, "failed", str(error))
    wanted = [column["text"] for column in target.get("columns", ())]  # Prometheus names them itself
    rows = max((len(values) for values in fields.values()), default=0)
    if not rows:
        return Finding(what, "empty", "no rows yet")
    lacking = [name for name in wanted if name not in fields]
    if lacking:
        return Finding(what, "failed", f"the answer lacks {', '.join(lacking)}")
    return Finding(what, "ok", f"{rows} rows")


class QueryError(Exception):
    """A query that the data source refused, or could not answer."""


def _values(grafana: Any, target: Json) -> list[str]:
    """Return what a variable offers; nothing where its query fails, as the panels' own queries say why."""
    try:
        fields = _fields(_asked(grafana, target))
    except QueryError:
        return []
    return [str(value) for value in fields.get(target["columns"][0]["text"], ())]


def _asked(grafana: Any, target: Json) -> Json:
    """Return the result of a query that Grafana sends to its data source (POST /api/ds/query)."""
    query = target | {"intervalMs": 1000, "maxDataPoints": 1000}
    try:
        answer = grafana.client.POST("/ds/query", json={"queries": [query], "from": RANGE[0], "to": RANGE[1]})
    except GrafanaUnauthorizedError:
        raise
    except GrafanaException as error:
        given = error.response if isinstance(error.response, dict) else {}
        result = given.get("results", {}).get(target["refId"], {})
        raise QueryError(str(result.get("error") or message(error))) from None
    result = answer["results"][target["refId"]]
    if "error" in result:
        raise QueryError(str(result["error"]))
    return dict(result)


def _fields(result: Json) -> dict[str, list[Any]]:
    """Return the values of a result by the names of its fields."""
    return {
        field["name"]: values
        for frame in result.get("frames", ())
        for field, values in zip(frame["schema"]["fields"], frame["data"]["values"], strict=False)
    }


def _filled(node: Any, chosen: Mapping[str, str]) -> Any:
    """Return a query with the values of its variables; one without a value is blank."""
    if isinstance(node, str):
        return re.sub(r"\$\{(\w+)\}", lambda found: chosen.get(found[1], ""), node)
    if isinstance(node, dict):
        return {key: _filled(value, chosen) for key, value in node.items()}
    return [_filled(each, chosen) for each in node] if isinstance(node, list) else node
