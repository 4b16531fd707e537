"""The committed Grafana files: made by the generator, whole, and in agreement with each other."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from affectstream.dashboards.grafana import build, pipeline, source, style
from affectstream.schemas.labels import COLOURS, EMOTIONS
from affectstream.schemas.messages import Reason

GRAFANA = Path(build.__file__).parent
Json = dict[str, Any]
DASHBOARDS = build.dashboards()
ALL = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
TIMELINE = DASHBOARDS["call-timeline.json"]

TARGET = {
    "type": "object",
    "required": [
        "refId",
        "datasource",
        "type",
        "source",
        "parser",
        "format",
        "url",
        "url_options",
        "columns",
    ],
    "properties": {
        "datasource": {"const": {"type": source.TYPE, "uid": source.UID}},
        "type": {"const": "json"},
        "source": {"const": "url"},
        "parser": {"const": "backend"},
        "format": {"enum": ["table", "timeseries", "dataframe"]},
        "url": {"type": "string", "pattern": "^/api/"},
        "url_options": {"type": "object", "required": ["method"], "properties": {"method": {"const": "GET"}}},
        "columns": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["selector", "text", "type"],
                "properties": {"type": {"enum": ["string", "number", "timestamp_epoch", "boolean"]}},
            },
        },
    },
}
MEASURED = {
    "type": "object",
    "required": ["refId", "datasource", "expr", "range"],
    "properties": {"datasource": {"const": pipeline.REF}, "expr": {"type": "string", "minLength": 10}},
}
PANEL = {
    "type": "object",
    "required": [
        "id",
        "type",
        "title",
        "description",
        "gridPos",
        "datasource",
        "targets",
        "fieldConfig",
        "options",
    ],
    "properties": {
        "type": {"enum": ["stat", "bargauge", "timeseries", "state-timeline", "table"]},
        "title": {"type": "string", "minLength": 3},
        "description": {"type": "string", "minLength": 20},
        "datasource": {"enum": [source.REF, pipeline.REF]},
        "gridPos": {
            "type": "object",
            "required": ["x", "y", "w", "h"],
            "additionalProperties": {"type": "integer", "minimum": 0},
        },
        "targets": {"type": "array", "minItems": 1, "items": {"anyOf": [TARGET, MEASURED]}},
        "fieldConfig": {
            "type": "object",
            "required": ["defaults", "overrides"],
            "properties": {"defaults": {"type": "object", "required": ["unit"]}},
        },
    },
}
SHAPE = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "templating", "time", "refresh", "timezone"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "schemaVersion": {"type": "integer", "minimum": 39},
        "refresh": {"enum": ["2s", "5s"]},
        "id": {"type": "null"},
        "panels": {"type": "array", "minItems": 5, "items": PANEL},
    },
}


def provisioned(name: str, url: str, token: str = "") -> dict[str, Any]:
    text = (GRAFANA / "provisioning" / name / "affectstream.yaml").read_text(encoding="utf-8")
    filled = text.replace("${API_URL}", url).replace("${API_TOKEN}", token)
    loaded: dict[str, Any] = yaml.safe_load(filled)
    return loaded


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_committed_dashboard_is_what_the_generator_gives(name: str):
    assert (build.FOLDER / name).read_text(encoding="utf-8") == build.text(DASHBOARDS[name])


@ALL
def test_a_dashboard_has_the_shape_that_grafana_loads(dashboard: Json):
    jsonschema.validate(dashboard, SHAPE)


@ALL
def test_ids_and_titles_of_panels_are_their_own(dashboard: Json):
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_dashboards_have_ids_and_titles_of_their_own():
    assert len({each["uid"] for each in DASHBOARDS.values()}) == len(DASHBOARDS)
    assert len({each["title"] for each in DASHBOARDS.values()}) == len(DASHBOARDS)


@ALL
def test_panels_fill_the_grid_without_overlap(dashboard: Json):
    cells = [
        (x, y)
        for p in (panel["gridPos"] for panel in dashboard["panels"])
        for x in range(p["x"], p["x"] + p["w"])
        for y in range(p["y"], p["y"] + p["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len(cells) == 24 * (1 + max(y for _, y in cells))


def test_the_variables_come_in_the_order_in_which_they_need_each_other():
    session, party = TIMELINE["templating"]["list"]

    assert (session["name"], party["name"]) == ("session", "party")
    assert "${session}" in str(party["query"]["infinityQuery"]["url_options"])
    assert "${" not in str(session["query"]["infinityQuery"]["url_options"])
    assert all(variable["datasource"] == source.REF for variable in (session, party))


@pytest.mark.parametrize("token", [None, "t0ken"])
def test_the_provisioned_data_source_is_the_pushed_one(token: str | None):
    (file,) = provisioned("datasources", "http://api:8350", "t0ken")["datasources"]

    pushed = source.datasource("http://api:8350", token)

    assert {k: v for k, v in file.items() if k != "editable"} == source.datasource("http://api:8350", "t0ken")
    assert pushed["jsonData"].get("auth_method") == (token and "bearerToken")
    assert pushed.get("secureJsonData") == (token and {"bearerToken": token})


def test_the_provider_reads_the_folder_that_holds_the_dashboards_and_nothing_else():
    (provider,) = provisioned("dashboards", "")["providers"]

    assert provider["options"]["path"] == "/opt/grafana-dashboards"
    assert sorted(file.name for file in (GRAFANA / "dashboards").iterdir()) == sorted(DASHBOARDS)


@ALL
def test_every_emotion_has_its_one_colour_wherever_it_is_shown(dashboard: Json):
    text = json.dumps(dashboard)
    for panel in dashboard["panels"]:
        for override in panel["fieldConfig"]["overrides"]:
            name = override["matcher"]["options"]
            if name in EMOTIONS:
                colours = [s["value"] for s in override["properties"] if s["id"] == "color"]
                assert colours == [{"mode": "fixed", "fixedColor": COLOURS[name]}]
    for name in EMOTIONS if '"mappings"' in text else ():
        assert f'"{name}": {{"text": "{name}", "color": "{COLOURS[name]}"' in text


def test_every_state_and_reason_of_a_modality_has_its_own_colour():
    assert set(style.STATUS_COLOURS) == {"present", "missing", *Reason}
    assert len(set(style.STATUS_COLOURS.values())) == len(style.STATUS_COLOURS)


@ALL
def test_thresholds_rise(dashboard: Json):
    for panel in dashboard["panels"]:
        for steps in _steps(panel["fieldConfig"]):
            assert steps[0]["value"] is None
            assert all(low["value"] < high["value"] for low, high in pairwise(steps[1:]))


def _steps(node: Any) -> list[Any]:
    if isinstance(node, dict):
        here = [node["steps"]] if "steps" in node else []
        return here + [found for value in node.values() for found in _steps(value)]
    return [found for value in node for found in _steps(value)] if isinstance(node, list) else []
