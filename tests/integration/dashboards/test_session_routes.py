"""The summary and the alerts of a session over the API: those of the windows."""

from typing import Any

import httpx
import jsonschema
import pytest

from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display
from affectstream.analytics.rules import Rule
from affectstream.analytics.summary import summarise
from affectstream.export import Report
from affectstream.schemas.messages import FusedEmotion

pytestmark = pytest.mark.integration

SESSION = "/api/sessions/call-0042"
RULES = (Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=1),)


def ok(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def test_the_summary_is_that_of_the_windows(api: httpx.Client, call: list[FusedEmotion]) -> None:
    found = ok(api.get(f"{SESSION}/summary"))
    assert found["session"] == "call-0042"
    assert [party["party"] for party in found["parties"]] == ["customer", "agent"]
    assert found["parties"][0] == summarise(call, Display()).model_dump(mode="json")["parties"][0]
    assert found["parties"][0]["text"].startswith("no emotion for long; by quarter ")


def test_the_alerts_are_those_of_the_fold_in_order(api: httpx.Client, call: list[FusedEmotion]) -> None:
    expected = alerts(RULES, call)
    found = ok(api.get(f"{SESSION}/alerts"))["alerts"]
    assert len(found) == len(expected) > 4
    for row, alert in zip(found, expected, strict=True):
        assert row == alert.model_dump(mode="json", exclude={"type", "session_id"}) | {"session": "call-0042"}


def test_both_keep_to_their_schema(api: httpx.Client) -> None:
    spec = ok(api.get("/openapi.json"))
    for name in ("summary", "alerts"):
        answer = spec["paths"]["/api/sessions/{sid}/" + name]["get"]["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"] | {"components": spec["components"]}
        jsonschema.validate(ok(api.get(f"{SESSION}/{name}")), schema)


@pytest.mark.parametrize("name", ["summary", "alerts"])
def test_an_unknown_session_is_404(api: httpx.Client, name: str) -> None:
    response = api.get(f"/api/sessions/nobody/{name}")
    assert response.status_code == 404
    assert "nobody" in response.json()["detail"]


def test_the_report_of_the_command_has_the_same_summary(api: httpx.Client, call: list[FusedEmotion]) -> None:
    made = Report(summarise(call, Display()), alerts(RULES, call))
    assert '"turning_points"' in made.json()
    assert ok(api.get(f"{SESSION}/summary"))["parties"][0]["shares"] == made.summary.parties[0].shares
