"""Consent and pauses by the API: only with its token, and what was done is in Redis and in the audit log."""

from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr

from affectstream.dashboards import control
from affectstream.dashboards.api import create_app
from affectstream.runtime.audit import audit_log
from affectstream.runtime.consent_store import ConsentStore
from affectstream.runtime.settings import PolicySettings
from affectstream.runtime.store import FusedStore

pytestmark = pytest.mark.integration

TOKEN = SecretStr("hush")
AS_OPERATOR = {"Authorization": "Bearer hush"}


@pytest.fixture
def policy(tmp_path):
    return PolicySettings(audit_log=tmp_path / "audit.jsonl")


def client(store, consents, token=TOKEN):
    app = create_app(store, token)
    control.install(app, consents, token)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api", headers=AS_OPERATOR)


@asynccontextmanager
async def operated(redis, policy):
    async with (
        FusedStore(redis) as store,
        ConsentStore(redis, policy) as consents,
        client(store, consents) as api,
    ):
        yield api


async def test_a_pause_its_end_and_a_withdrawal_are_kept_and_audited(redis, policy):
    async with (
        FusedStore(redis) as store,
        ConsentStore(redis, policy) as consents,
        client(store, consents) as api,
    ):
        paused = (await api.post("/api/sessions/call/pause", json={"by": "ana"})).json()
        assert (paused["paused"], paused["consent"]) == (True, "unknown")
        resumed = (await api.post("/api/sessions/call/resume")).json()
        assert not resumed["paused"] and resumed["pauses"][0]["to_ms"] > resumed["pauses"][0]["from_ms"]
        done = await api.post("/api/sessions/call/consent", json={"consent": "withdrawn", "by": "ana"})
        assert done.json()["consent"] == "withdrawn"
        again = await api.post("/api/sessions/call/consent", json={"consent": "granted"})
        assert again.status_code == 409 and "final" in again.json()["detail"]
        assert (await api.get("/api/sessions/call/consent")).json()["consent"] == "withdrawn"
    noted = [(entry.did, entry.by) for entry in audit_log(policy).entries()]
    assert noted == [("pause", "ana"), ("resume", "api"), ("consent", "ana")]


@pytest.mark.parametrize(
    ("path", "body"),
    [("consent", {"consent": "maybe"}), ("consent", {}), ("pause", {"by": "x\n"}), ("pause", {"other": 1})],
)
async def test_what_cannot_be_is_refused(redis, policy, path, body):
    async with (
        FusedStore(redis) as store,
        ConsentStore(redis, policy) as consents,
        client(store, consents) as api,
    ):
        assert (await api.post(f"/api/sessions/call/{path}", json=body)).status_code == 422


async def test_without_the_token_nothing_is_changed(redis, policy):
    async with FusedStore(redis) as store, ConsentStore(redis, policy) as consents:
        async with client(store, consents) as api:
            wrong = await api.post("/api/sessions/call/pause", headers={"Authorization": "Bearer guess"})
            assert wrong.status_code == 401
        async with client(store, consents, token=None) as open_api:
            refused = await open_api.post("/api/sessions/call/pause")
            assert refused.status_code == 403 and "api.token" in refused.json()["detail"]
        assert not (await consents.standing("call")).paused
