"""The JSON API, run as a process over a real Redis that holds a call."""

import os
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest

from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion

pytestmark = pytest.mark.integration

SESSION = "call-0042"
CUSTOMER = f"/api/sessions/{SESSION}/customer"
START_MS = 1_700_000_000_000
WINDOWS = 30


def ok(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def test_sessions_are_a_row_per_party_with_its_newest_label(api: httpx.Client):
    rows = ok(api.get("/api/sessions"))["sessions"]

    assert [(row["session"], row["party"]) for row in rows] == [(SESSION, "customer"), (SESSION, "agent")]
    live = rows[0]["state"] == "live"  # until a while after the fixture wrote it
    assert rows[0] == {
        "session": SESSION,
        "party": "customer",
        "start_ms": START_MS,
        "end_ms": START_MS + 1000 * WINDOWS,
        "duration_ms": 1000 * WINDOWS,
        "attributable": True,
        "label": "angry",
        "shown": "angry",
        "confidence": 0.7,
        "uncertainty": 0.4,
        "disagreement": 0.1,
        "conflict": None,
        "valence": -0.8,
        "state": "live" if live else "ended",
        "alerts": 0,
        "alert": None,
        "need": 0.235 if live else 0.0,
    }
    assert ok(api.get(f"/api/sessions/{SESSION}")) == {"session": SESSION, "parties": rows}


def test_the_timeline_gives_back_every_final_window_bit_for_bit(api: httpx.Client, call: list[FusedEmotion]):
    windows = ok(api.get(f"{CUSTOMER}/timeline"))["windows"]

    assert [(w["start_ms"], w["end_ms"]) for w in windows] == [(f.start_ms, f.end_ms) for f in call]
    for window, fused in zip(windows, call, strict=True):
        assert tuple(window[name] for name in EMOTIONS) == (fused.p or (None,) * 7)
        for name in ("label", "confidence", "uncertainty", "disagreement"):
            assert window[name] == getattr(fused, name)


def test_the_displayed_label_is_the_label_where_that_is_probable_enough(api: httpx.Client):
    windows = ok(api.get(f"{CUSTOMER}/timeline"))["windows"]

    assert [w["shown"] for w in windows] == [w["label"] for w in windows]
    assert ok(api.get(f"{CUSTOMER}/latest"))["shown"] == "angry"


def test_the_process_reads_the_settings_of_the_displayed_label(running: Any, redis_url: str):
    label = {"AFFECT_LABEL__MIN_PROBABILITY": "0.6", "AFFECT_LABEL__DWELL_MS": "3000"}
    with running({"AFFECT_REDIS__URL": redis_url, **label}) as (url, _):
        windows = ok(httpx.get(f"{url}{CUSTOMER}/timeline", params={"limit": 7}))["windows"]

    assert [w["label"] for w in windows] == [*EMOTIONS[:4], None, *EMOTIONS[5:]]
    assert [w["shown"] for w in windows] == ["neutral"] * 3 + ["angry", None, "disgust", "disgust"]


def test_modalities_hold_the_evidence_or_the_reason_of_its_absence(
    api: httpx.Client, call: list[FusedEmotion]
):
    windows = ok(api.get(f"{CUSTOMER}/modalities"))["windows"]

    hidden = windows[8]
    assert (hidden["video_state"], hidden["video_reason"], hidden["video_status"]) == (
        "abstained",
        "no_face",
        "no_face",
    )
    assert (hidden["audio_status"], hidden["audio_weight"], hidden["audio_count"]) == ("present", 1.0, 5)
    assert (hidden["text_status"], hidden["text_reason"], hidden["text_happy"]) == ("missing", None, None)
    for window, fused in zip(windows, call, strict=True):
        for state in fused.modalities:
            assert window[f"{state.modality}_weight"] == state.weight
            p = tuple(window[f"{state.modality}_{name}"] for name in EMOTIONS)
            assert p == (state.p or (None,) * 7)


def test_a_modality_that_is_not_part_of_the_call_is_null(api: httpx.Client):
    window = ok(api.get(f"/api/sessions/{SESSION}/agent/modalities"))["windows"][0]

    assert {value for name, value in window.items() if name.startswith("video_")} == {None}


def test_latest_is_the_newest_pane_even_where_it_is_early(api: httpx.Client):
    newest = ok(api.get(f"{CUSTOMER}/latest"))

    assert (newest["pane"], newest["label"], newest["end_ms"]) == ("early", "angry", START_MS + 31_000)


def test_pages_by_time_are_the_whole_timeline_without_overlap(api: httpx.Client):
    whole = ok(api.get(f"{CUSTOMER}/timeline"))["windows"]

    pages: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = ok(api.get(f"{CUSTOMER}/timeline", params={"from": after, "limit": 7}))
        assert len(page["windows"]) <= 7
        pages += page["windows"]
        after = page["next_from"]

    assert pages == whole


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # windows      |--0--|--1--|--2--|     a window belongs to a range where its end does:
        # range              (-----------]     after `from`, by `to`
        (START_MS + 1000, START_MS + 3000, [1, 2]),
        (START_MS + 999, START_MS + 1000, [0]),
        (START_MS + 1000, START_MS + 1000, []),
        (START_MS + 29_000, START_MS + 10**9, [29]),
    ],
)
def test_a_range_holds_the_windows_that_end_in_it(
    api: httpx.Client, start: int, end: int, expected: list[int]
):
    page = ok(api.get(f"{CUSTOMER}/timeline", params={"from": start, "to": end}))

    assert [(w["start_ms"] - START_MS) // 1000 for w in page["windows"]] == expected
    assert page["next_from"] is None


@pytest.mark.parametrize("ending", ["", "/customer/timeline", "/customer/modalities", "/customer/latest"])
def test_an_unknown_session_is_404_with_its_name(api: httpx.Client, ending: str):
    response = api.get(f"/api/sessions/call-0043{ending}")

    assert response.status_code == 404
    assert "there is no session 'call-0043'" in response.json()["detail"]


@pytest.mark.parametrize("ending", ["timeline", "modalities", "latest"])
def test_an_unknown_party_is_404_with_those_that_there_are(api: httpx.Client, ending: str):
    response = api.get(f"/api/sessions/{SESSION}/other/{ending}")

    assert response.status_code == 404
    assert response.json()["detail"] == f"session '{SESSION}' has no party 'other'; it has customer, agent"


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/api/sessions?limit=0", "query limit"),
        ("/api/sessions/a%20b", "path sid"),
        (f"/api/sessions/{SESSION}/boss/latest", "path party"),
        (f"{CUSTOMER}/timeline?from=yesterday", "query from"),
        (f"{CUSTOMER}/timeline?from=2&to=1", "query from"),
        (f"{CUSTOMER}/timeline?from=-1", "query from"),
        (f"{CUSTOMER}/timeline?from=99999999999999999999", "query from"),
        (f"{CUSTOMER}/modalities?to=1700000000000000", "query to"),
        (f"{CUSTOMER}/timeline?limit=10001", "query limit"),
        ("/api/panels/timeline?session=a%20b", "query session"),
    ],
)
def test_a_bad_parameter_is_422_and_named(api: httpx.Client, path: str, where: str):
    response = api.get(path)

    assert response.status_code == 422
    assert response.json()["detail"].startswith(f"{where}: ")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(api: httpx.Client, method: str):
    assert api.request(method, f"/api/sessions/{SESSION}").status_code in (404, 405)


def test_every_answer_carries_the_security_headers(api: httpx.Client):
    for path in ("/api/sessions", "/livez", "/nowhere", "/api/sessions/a%20b"):
        headers = api.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"] or path == "/nowhere"  # a page's
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_health_is_well(api: httpx.Client):
    for path in ("/livez", "/readyz", "/healthz"):
        assert ok(api.get(path))["status"] == "ok"


def test_a_redis_that_is_away_is_503_and_the_process_lives_on(running: Any):
    with running({"AFFECT_REDIS__URL": "redis://127.0.0.1:1/0"}) as (url, process):
        for path in ("/readyz", f"{CUSTOMER}/latest"):
            response = httpx.get(url + path, timeout=10)
            assert response.status_code == 503
            assert response.headers["retry-after"] == "2"
            assert "127.0.0.1" not in response.text
        assert httpx.get(f"{url}/livez").status_code == 200
        assert process.poll() is None


def test_sigterm_ends_the_process_cleanly(running: Any, redis_url: str):
    settings = {"AFFECT_REDIS__URL": redis_url}
    with running(settings) as (url, process), httpx.Client(base_url=url) as kept_open:
        assert kept_open.get("/readyz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_taken_port_is_one_clear_line(api_url: str):
    port = api_url.rsplit(":", 1)[1]
    env = {k: v for k, v in os.environ.items() if not k.startswith("AFFECT_")}
    done = subprocess.run(
        [sys.executable, "-m", "affectstream.dashboards"],
        env=env | {"AFFECT_API__PORT": port},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: cannot listen on 127.0.0.1 port {port}: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", f"/api/sessions/{SESSION}/customer/nothing"])
def test_an_address_that_there_is_not_is_refused_as_the_api_refuses(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert "there is nothing at this address" in answer.json()["detail"]
