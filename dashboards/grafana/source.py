"""The Infinity data source over the JSON API, and queries on it.

Queries are relative to the data source's URL. A column's text equals its selector on purpose: the plugin's
backend parser keeps such columns in every version.
"""

from typing import Any

Json = dict[str, Any]

TYPE = "yesoreyeram-infinity-datasource"
UID = "affectstream-api"
REF: Json = {"type": TYPE, "uid": UID}

TIMELINE = "/api/panels/timeline"
MODALITIES = "/api/panels/modalities"
LATEST = "/api/panels/latest"
SESSIONS = "/api/sessions"
PARTIES = "/api/panels/parties"
SUMMARY = "/api/panels/summary"
ALERTS = "/api/panels/alerts"
MARKS = "/api/panels/marks"
MOODS = "/api/panels/moods"
ALL_ALERTS = "/api/alerts"
OF_SESSION = {"session": "${session}"}  # blank while there is none
OF_PARTY = OF_SESSION | {"party": "${party}"}
SHOWN_RANGE = OF_PARTY | {"from": "${__from}", "to": "${__to}", "limit": "10000"}  # milliseconds, both


def datasource(url: str, token: str | None = None) -> Json:
    """Return the data source as Grafana's HTTP API and provisioning files take it."""
    settings: Json = {
        "allowedHosts": [url],
        "timeoutInSeconds": 10,
        "customHealthCheckEnabled": True,
        "customHealthCheckUrl": f"{url}/readyz",
    }
    source = {
        "name": "affectstream",
        "uid": UID,
        "type": TYPE,
        "access": "proxy",
        "url": url,
        "isDefault": False,
        "jsonData": settings,
    }
    if token is None:
        return source
    settings["auth_method"] = "bearerToken"
    return source | {"secureJsonData": {"bearerToken": token}}


def query(
    path: str, columns: dict[str, str], *, root: str = "", params: dict[str, str] | None = None
) -> Json:
    """Return one target: GET ``path``, and of the rows under ``root`` the ``columns`` (name: type)."""
    return {
        "refId": "A",
        "datasource": REF,
        "type": "json",
        "source": "url",
        "parser": "backend",
        "format": "table",
        "url": path,
        "url_options": {
            "method": "GET",
            "data": "",
            "params": [{"key": key, "value": value} for key, value in (params or {}).items()],
        },
        "root_selector": root,
        "columns": [{"selector": name, "text": name, "type": kind} for name, kind in columns.items()],
        "computed_columns": [],
        "filters": [],
    }


def variable(
    name: str, label: str, path: str, root: str, column: str, params: dict[str, str] | None = None
) -> Json:
    """Return a variable: one column of a response, requested again when the time range changes."""
    asked = query(path, {column: "string"}, root=root, params=params)
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": REF,
        "query": {
            "queryType": "infinity",
            "refId": "variable",
            "infinityQuery": asked | {"refId": "variable"},
        },
        "definition": f"GET {path}",
        "refresh": 2,
        "sort": 0,
        "multi": False,
        "includeAll": False,
        "regex": "",
        "hide": 0,
        "current": {},
        "options": [],
    }


def annotation(name: str, colour: str, kind: str) -> Json:
    """Return an annotation query: the marks of one ``kind`` on the time axis of every panel."""
    columns = {"start_ms": "timestamp_epoch", "end_ms": "timestamp_epoch", "text": "string", "kind": "string"}
    fields = {"time": "start_ms", "timeEnd": "end_ms", "text": "text", "tags": "kind"}
    return _annotation(
        name, colour, query(MARKS, columns, root="marks", params=OF_SESSION | {"kind": kind}), fields
    )


def annotation_of_all(name: str, colour: str) -> Json:
    """Return an annotation query: where an alert of any call begins or ends, with the call as its tag."""
    columns = {"end_ms": "timestamp_epoch", "text": "string", "session": "string"}
    fields = {"time": "end_ms", "text": "text", "tags": "session"}
    params = {"since": "${__from}", "limit": "1000"}
    return _annotation(name, colour, query(ALL_ALERTS, columns, root="alerts", params=params), fields)


def _annotation(name: str, colour: str, target: Json, fields: dict[str, str]) -> Json:
    return {
        "name": name,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "datasource": REF,
        "target": target,
        "mappings": {to: {"source": "field", "value": field} for to, field in fields.items()},
    }
