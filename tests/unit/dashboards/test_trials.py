"""Trials over the API: the process behind them, and what becomes of it when it fails."""

import sys
from pathlib import Path

import httpx
import pytest
from fastapi import HTTPException
from support.recordings import png

from affectstream.dashboards.api import create_app
from affectstream.dashboards.trials import Trials
from affectstream.runtime.settings import RedisSettings
from affectstream.runtime.store import FusedStore

NOWHERE = RedisSettings(url="redis://127.0.0.1:1/0")
STAND_IN = """
import os, sys, time
from affectstream.trial import read, write
while (request := read(sys.stdin.buffer)) is not None:
    if request["text"] == "die":
        sys.exit(1)
    if request["text"] == "sleep":
        time.sleep(60)
    bad = {"status": 422, "detail": "no picture"}
    good = {"kind": request["kind"], "windows": 1, "modalities": {}, "probabilities": None, "label": None,
            "confidence": 0.0, "disagreement": 0.0, "sentence": "no cues to read", "face": None, "models": []}
    if request["text"] == "settings":
        good["sentence"] = " ".join(sorted(name for name in os.environ if name.startswith("AFFECT_")))
    write(sys.stdout.buffer, bad if request["data"] == b"bad" else good)
"""


@pytest.fixture
async def api():
    app = create_app(FusedStore(NOWHERE))
    app.state.trials = Trials((sys.executable, "-c", STAND_IN), limit_s=20)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api", timeout=60) as client:
        client.trials = app.state.trials  # type: ignore[attr-defined]
        yield client
    await app.state.trials.aclose()


async def test_uploads_are_answered_refused_and_survive_the_death_of_their_process(api):
    files = {"file": ("face.jpg", b"picture")}
    response = await api.post("/api/try/face", files=files)
    assert (response.status_code, response.json()["kind"]) == (200, "face")
    bad = await api.post("/api/try/voice", files={"file": ("x", b"bad")})
    assert (bad.status_code, bad.json()["detail"]) == (422, "no picture")
    died = await api.post("/api/try/fused", files=files, data={"text": "die"})
    assert died.status_code == 503
    again = await api.post("/api/try/text", data={"text": "good morning"})
    assert (again.status_code, again.json()["sentence"]) == (200, "no cues to read")
    api.trials._limit_s = 0.05
    slow = await api.post("/api/try/text", data={"text": "sleep"})
    assert slow.status_code == 503
    assert "longer than" in slow.json()["detail"]


async def test_what_decodes_uploads_knows_no_secrets(api, monkeypatch):
    for name in ("AFFECT_API__TOKEN", "AFFECT_REDIS__PASSWORD", "AFFECT_KAFKA__SASL_PASSWORD"):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("AFFECT_POLICY__AUDIT_KEY", "hush")
    monkeypatch.setenv("AFFECT_VIDEO__THREADS", "1")

    answer = await api.post("/api/try/text", data={"text": "settings"})

    names = answer.json()["sentence"].split()
    assert "AFFECT_VIDEO__THREADS" in names
    assert not [name for name in names if "PASSWORD" in name or "TOKEN" in name or "KEY" in name]


async def test_a_body_over_the_limit_is_413(api):
    response = await api.post("/api/try/text", data={"text": "x" * (70 << 10)})
    assert response.status_code == 413


async def test_uploads_that_unpack_to_more_than_they_are_worth_are_refused_by_the_process_itself():
    uploads = {
        "face": (png(8_100), "no picture that can be read"),
        "voice": (b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(range(128, 256)) * 8, "not a media file"),
        "fused": (b"PK\x03\x04\xff" + bytes(1 << 20), "not a media file"),
    }
    trials = Trials()
    try:
        for kind, (data, why) in uploads.items():
            with pytest.raises(HTTPException) as refused:
                await trials.ask(kind, data)  # type: ignore[arg-type]
            assert refused.value.status_code == 422 and why in refused.value.detail
        assert trials._process is not None
        assert _peak_mib(trials._process.pid) < 190, "66 million pixels alone would take 188 MiB"
    finally:
        await trials.aclose()


def _peak_mib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10
