"""A real Redis that holds a call, and ``python -m affectstream.dashboards`` over it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest
from support.observations import final

from affectstream.analytics.alerts import alerts
from affectstream.analytics.rules import Rule
from affectstream.runtime.embedded import EmbeddedRedis
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import FusedEmotion, Modality, ModalityState, Party, Reason

Runner = Callable[[dict[str, str]], AbstractContextManager[tuple[str, subprocess.Popen[str]]]]

SESSION = "call-0042"
START_MS = 1_700_000_000_000
WINDOWS = 30
MODEL = "test-model@1"
RULES = (Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=1),)


def state(modality: Modality, weight: float, top: int) -> ModalityState:
    """What a modality that sees emotion ``top`` brings."""
    return ModalityState(
        modality=modality, state="present", p=_p(top), weight=weight, quality=0.9, count=5, model_id=MODEL
    )


def absent(modality: Modality, reason: Reason | None) -> ModalityState:
    """A modality that abstained with ``reason``, or is missing where there is none."""
    return ModalityState(modality=modality, state="abstained" if reason else "missing", reason=reason)


def pane(
    party: Party, i: int, states: Sequence[ModalityState], *, top: int | None, kind: str = "final"
) -> FusedEmotion:
    """The ``i``-th window of the call."""
    return final(
        START_MS + 1000 * (i + 1),
        None if top is None else _p(top),
        session_id=SESSION,
        party=party,
        pane=kind,
        uncertainty=1.0 if top is None else 0.4,
        disagreement=0.1,
        modalities=tuple(states),
    )


def _p(top: int) -> tuple[float, ...]:
    return tuple(0.7 if i == top else 0.05 for i in range(N_EMOTIONS))


def customer(i: int) -> FusedEmotion:
    """All seven emotions in turn; now and then no face, silence, nothing at all, a text that never came."""
    top = i % N_EMOTIONS
    reasons = list(Reason)
    if i % 10 == 4:
        lost = [absent(m, reasons[i % len(reasons)]) for m in ("video", "audio", "text")]
        return pane("customer", i, lost, top=None)
    if i % 10 == 8:
        hidden = [absent("video", Reason.NO_FACE), state("audio", 1.0, top), absent("text", None)]
        return pane("customer", i, hidden, top=top)
    return pane(
        "customer", i, [state("video", 0.5, top), state("audio", 0.3, top), state("text", 0.2, 0)], top=top
    )


@pytest.fixture(scope="package")
def call() -> list[FusedEmotion]:
    """The customer's final windows; the agent has one and brings no video; the newest pane is early."""
    return [customer(i) for i in range(WINDOWS)]


@pytest.fixture(scope="package")
def redis_url(call: list[FusedEmotion]) -> Iterator[str]:
    agent = pane("agent", 0, [state("audio", 0.6, 1), state("text", 0.4, 1)], top=1)
    early = pane("customer", WINDOWS, [state("video", 1.0, 3)], top=3, kind="early")
    with EmbeddedRedis() as redis:
        asyncio.run(_write(redis.url, [*call, agent, early]))
        yield redis.url


async def _write(url: str, panes: list[FusedEmotion]) -> None:
    async with FusedStore(load(redis={"url": url}).redis) as store:
        await store.write(panes)
        await store.write_alerts(alerts(RULES, [p for p in panes if p.pane == "final"]))


@pytest.fixture(scope="package")
def api_url(redis_url: str) -> Iterator[str]:
    with _running({"AFFECT_REDIS__URL": redis_url}) as (url, _):
        yield url


@pytest.fixture(scope="package")
def api(api_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api_url, timeout=10) as client:
        yield client


@pytest.fixture(scope="package")
def running() -> Runner:
    """``with running(settings) as (url, process)``."""
    return _running


@contextmanager
def _running(settings: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run ``python -m affectstream.dashboards`` until it answers, and end it at the end."""
    port = settings.get("AFFECT_API__PORT") or free_port()
    env = {k: v for k, v in os.environ.items() if not k.startswith("AFFECT_")} | settings
    process = subprocess.Popen(
        [sys.executable, "-m", "affectstream.dashboards"],
        env=env | {"AFFECT_API__PORT": str(port)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_alive(url, process)
        yield url, process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def _wait_until_alive(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    with httpx.Client(base_url=url) as client:  # reading the system's certificates is most of a client's time
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.get("/livez")
                return
            except httpx.TransportError:
                time.sleep(0.05)
    raise AssertionError("the API did not start")
