"""The documentation of the JSON API: what it states of every answer is so, and its page loads nothing."""

import re
from typing import Any

import httpx
import jsonschema
import pytest

pytestmark = pytest.mark.integration

SESSION = "call-0042"


def ok(response: httpx.Response) -> Any:
    return response.raise_for_status().json()


def test_answers_and_refusals_fit_the_documented_schemas(api: httpx.Client):
    page = ok(api.get("/openapi.json"))
    for path, item in page["paths"].items():
        if set(item) == {"post"} or path.endswith("/consent"):
            continue  # the latter needs a token: see test_control
        if "{ticket}" in path:
            continue  # sound, for who was given a ticket: see test_listening
        assert set(item) in ({"get"}, {"get", "post"}), path
        url = path.format(sid=SESSION, party="customer")
        documented = item["get"]["responses"]
        if path.endswith("/events"):
            assert set(documented["200"]["content"]) == {"text/event-stream"}
            continue  # the stream does not end: see test_events
        schema = documented["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(ok(api.get(url)), schema | {"components": page["components"]})
        if "{sid}" in path and set(item) == {"get"}:
            assert {"401", "404", "422", "503"} <= set(documented)
    problem = page["components"]["schemas"]["Problem"]
    jsonschema.validate(api.get("/api/sessions/call-0043").json(), problem)


def test_every_field_of_every_answer_is_described_or_given_an_example(api: httpx.Client):
    schemas = ok(api.get("/openapi.json"))["components"]["schemas"]
    said = {"description", "examples", "enum", "const", "$ref", "items"}

    silent = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, shape in schema.get("properties", {}).items()
        if not said & set(shape)
    ]
    assert silent == []


def test_the_documentation_page_loads_nothing_from_elsewhere(api: httpx.Client):
    page = api.get("/docs")

    assert "default-src 'none'" in page.headers["content-security-policy"]
    asked = re.findall(r"""(?:src|href)="([^"]+)"|url: '([^']+)'""", page.text)
    urls = [first or second for first, second in asked]
    assert len(urls) >= 4
    for url in urls:
        assert url.startswith("/"), url
        assert api.get(url).status_code == 200
