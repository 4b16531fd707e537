"""Supervisors' marks over the API and the page: kept apart, audited, exported beside the windows."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from integration.dashboards.conftest import SESSION, Runner

from affectstream.analytics.label import display_as, labels
from affectstream.runtime.audit import AuditLog
from affectstream.runtime.settings import LabelSettings
from affectstream.schemas.messages import FusedEmotion

PATH = f"/api/sessions/{SESSION}/feedback"


@pytest.fixture
def audited(running: Runner, redis_url: str, tmp_path: Path) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """An API with an audit log of its own, and its settings."""
    settings = {"AFFECT_REDIS__URL": redis_url, "AFFECT_POLICY__AUDIT_LOG": str(tmp_path / "audit.jsonl")}
    with running(settings) as (url, _), httpx.Client(base_url=url, timeout=10) as client:
        yield client, settings


def test_a_mark_is_kept_replaced_audited_and_exported_with_its_window(
    audited: tuple[httpx.Client, dict[str, str]], call: list[FusedEmotion], tmp_path: Path
) -> None:
    api, settings = audited
    before = api.get(f"/api/sessions/{SESSION}/customer/timeline").json()
    wrong = {"party": "customer", "end_ms": call[3].end_ms, "right": False, "by": "ana"}
    assert api.post(PATH, json=wrong).status_code == 201
    assert api.post(PATH, json=wrong | {"label": "sad"}).status_code == 201
    (mark,) = api.get(PATH).json()["marks"]
    assert mark == wrong | {"label": "sad"}
    assert api.get(f"/api/sessions/{SESSION}/customer/timeline").json() == before

    out = tmp_path / "marks.jsonl"
    env = {k: v for k, v in os.environ.items() if not k.startswith("AFFECT_")} | settings
    env["AFFECT_LABEL__DWELL_MS"] = "60000"  # so what is displayed depends on the windows before
    command = [str(Path(sys.executable).with_name("affectstream")), "feedback", "export", "-o", str(out)]
    subprocess.run(command, env=env, check=True, capture_output=True)
    (line,) = map(json.loads, out.read_text().splitlines())
    assert (line["session"], line["label"], line["window"]["end_ms"]) == (SESSION, "sad", call[3].end_ms)
    display = display_as(LabelSettings(dwell_ms=60_000).model_dump(), None)
    before = [final for final in call if final.party == "customer" and final.end_ms <= call[3].end_ms]
    *_, displayed = labels(display, before)
    assert line["window"]["shown"] == displayed.label != labels(display, before[-1:])[0].label

    log = AuditLog(Path(settings["AFFECT_POLICY__AUDIT_LOG"]))
    assert [(entry.did, entry.by) for entry in log.entries()][:2] == [("feedback", "ana")] * 2
    assert [entry.did for entry in log.entries()] == ["feedback", "feedback", "export"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"end_ms": 1}, 404), ({"party": "other"}, 404), ({"label": "cross"}, 422), ({"by": "<b>"}, 422)],
)
def test_a_mark_on_no_window_or_of_no_sense_is_refused(
    api: httpx.Client, call: list[FusedEmotion], changed: dict[str, object], status: int
) -> None:
    mark = {"party": "customer", "end_ms": call[3].end_ms, "right": True}
    assert api.post(PATH, json=mark | changed).status_code == status
