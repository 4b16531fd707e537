"""Every query of the dashboard, run against the API as the data source would, finds what its panel shows."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.paths import ROOT

pytestmark = pytest.mark.integration

Json = dict[str, Any]
Rows = list[dict[str, Any]]

FILE = ROOT / "dashboards" / "grafana" / "dashboards" / "call-timeline.json"
DASHBOARD: Json = json.loads(FILE.read_text(encoding="utf-8"))
PANELS: list[Json] = DASHBOARD["panels"]
VARIABLES: list[Json] = DASHBOARD["templating"]["list"]

SESSION = "call-0042"
START_MS = 1_700_000_000_000
NAMES = ("session", "party", "rule", "text")  # of somebody or something, or a sentence: no fixed words
SHOWN = {
    "session": SESSION,
    "party": "customer",
    "__from": str(START_MS - 60_000),
    "__to": str(START_MS + 60_000),
}
FITS = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float),
    "timestamp_epoch": lambda value: isinstance(value, int) and value > START_MS - 60_000,
}


def title(panel: Json) -> str:
    return str(panel["title"])


def fill(text: str, shown: dict[str, str]) -> str:
    """Fill the template variables in; an unknown one is an error."""
    return re.sub(r"\$\{(\w+)\}", lambda found: shown[found[1]], text)


def ask(api: httpx.Client, target: Json, shown: dict[str, str] = SHOWN) -> Rows:
    """Return the frame of a target as the plugin's backend parser makes it: its columns of every row."""
    params = {pair["key"]: fill(pair["value"], shown) for pair in target["url_options"]["params"]}
    answer = api.request(target["url_options"]["method"], fill(target["url"], shown), params=params)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    for step in target["root_selector"].split(".") if target["root_selector"] else ():
        found = found[step]
    rows = found if isinstance(found, list) else [found]
    return [{column["text"]: row[column["selector"]] for column in target["columns"]} for row in rows]


def fields_shown(panel: Json) -> Iterator[str]:
    """Name every field that the panel's look depends on."""
    for override in panel["fieldConfig"]["overrides"]:
        assert override["matcher"]["id"] == "byName"
        yield override["matcher"]["options"]
        for setting in override["properties"]:
            for link in setting["value"] if setting["id"] == "links" else ():
                yield from re.findall(r"\$\{__data\.fields\.(\w+)", link["url"])
    for transformation in panel.get("transformations", ()):
        assert transformation["id"] == "organize"
        yield from transformation["options"]["indexByName"]


def mapped(settings: list[Json]) -> set[str]:
    """Return the values that have a text and a colour."""
    return {value for mapping in settings if mapping["type"] == "value" for value in mapping["options"]}


def mappings(panel: Json, field: str) -> set[str]:
    """Return the values of ``field`` that have a text and a colour."""
    config = panel["fieldConfig"]
    own = [
        setting["value"]
        for override in config["overrides"]
        if override["matcher"]["options"] == field
        for setting in override["properties"]
        if setting["id"] == "mappings"
    ]
    return mapped(own[0] if own else config["defaults"].get("mappings", []))


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_the_query_of_a_panel_gives_typed_columns(api: httpx.Client, panel: Json):
    (target,) = panel["targets"]
    rows = ask(api, target)

    assert rows
    for column in target["columns"]:
        values = [row[column["text"]] for row in rows]
        assert all(value is None or FITS[column["type"]](value) for value in values), column
        assert any(value is not None for value in values), f"{column['text']} is never there"


@pytest.mark.parametrize("panel", [p for p in PANELS if p["title"] != "Sessions"], ids=title)
@pytest.mark.parametrize(("session", "party"), [("", ""), (SESSION, ""), ("expired", "customer")])
def test_a_panel_without_a_session_has_no_rows_and_no_error(
    api: httpx.Client, panel: Json, session: str, party: str
):
    (target,) = panel["targets"]
    rows = ask(api, target, SHOWN | {"session": session, "party": party})

    by_party = "party" in {pair["key"] for pair in target["url_options"]["params"]}
    assert not rows or (session == SESSION and not by_party)


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_everything_that_a_panel_shows_is_in_its_query(api: httpx.Client, panel: Json):
    (target,) = panel["targets"]
    columns = set(ask(api, target)[0])

    assert set(fields_shown(panel)) <= columns
    reduced = panel["options"].get("reduceOptions", {}).get("fields", "")
    assert not reduced or any(re.search(reduced.strip("/"), name) for name in columns)


@pytest.mark.parametrize(
    ("kind", "times"), [("timeseries", ["start_ms"]), ("state-timeline", ["start_ms", "end_ms"])]
)
def test_the_first_time_that_a_series_meets_is_the_start(kind: str, times: list[str]):
    panels = [panel for panel in PANELS if panel["type"] == kind]
    assert panels
    for panel in panels:
        (target,) = panel["targets"]
        (ordered,) = [t["options"]["indexByName"] for t in panel["transformations"]]
        of_time = [c["text"] for c in target["columns"] if c["type"] == "timestamp_epoch"]
        assert sorted(of_time, key=ordered.__getitem__) == times
        assert ordered["start_ms"] == 0


@pytest.mark.parametrize(
    "panel",
    [p for p in PANELS if "start_ms" in str(p["targets"]) and "windows" in str(p["targets"])],
    ids=title,
)
def test_times_ascend_as_series_need(api: httpx.Client, panel: Json):
    times = [row["start_ms"] for row in ask(api, panel["targets"][0])]

    assert times == sorted(set(times))


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_every_word_that_a_panel_shows_has_its_colour(api: httpx.Client, panel: Json):
    (target,) = panel["targets"]
    rows = ask(api, target)

    for column in target["columns"]:
        if column["type"] == "string" and column["text"] not in NAMES:
            shown = {row[column["text"]] for row in rows} - {None}
            assert shown <= mappings(panel, column["text"]), column["text"]


def test_an_annotation_has_the_fields_that_it_maps(api: httpx.Client):
    """The call of these tests has alerts; the fold has tests for turning points and contradictions."""
    found = {each["name"]: ask(api, each["target"]) for each in DASHBOARD["annotations"]["list"]}

    assert set(found) == {"Alerts", "Turning points", "Contradictions"}
    assert found["Alerts"]
    for each in DASHBOARD["annotations"]["list"]:
        fields = {mapping["value"] for mapping in each["mappings"].values()}
        assert fields == {column["text"] for column in each["target"]["columns"]}
        for row in found[each["name"]]:
            assert fields == set(row)
            assert START_MS <= row["start_ms"] <= row["end_ms"]


@pytest.mark.parametrize(("number", "values"), [(0, {SESSION}), (1, {"customer", "agent"})])
def test_the_variables_offer_what_is_there(api: httpx.Client, number: int, values: set[str]):
    target = VARIABLES[number]["query"]["infinityQuery"]
    target["url_options"].setdefault("params", [])

    offered = [next(iter(row.values())) for row in ask(api, target)]

    assert set(offered) == values


def test_the_link_of_a_session_opens_it_from_its_beginning_to_its_end(api: httpx.Client):
    (table,) = [panel for panel in PANELS if panel["title"] == "Sessions"]
    row = ask(api, table["targets"][0])[0]
    (link,) = table["fieldConfig"]["overrides"][0]["properties"][0]["value"]

    url = re.sub(r"\$\{__data\.fields\.(\w+)(\.numeric)?\}", lambda found: str(row[found[1]]), link["url"])

    assert url == (
        f"/d/{DASHBOARD['uid']}?var-session={SESSION}&var-party=customer"
        f"&from={START_MS}&to={START_MS + 30_000}"
    )
