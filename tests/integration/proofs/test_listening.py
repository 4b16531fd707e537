"""Proof: what is said in a call is heard and read on its page, from the topics by the recorder's file."""

import asyncio
import io
import os
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.async_api import Page, expect
from support.browser import launched, visiting
from support.observations import MIXED, final
from support.recordings import RATE_HZ, voice, wav

from affectstream.processes import Child, Children
from affectstream.producers.plan import SessionPlan
from affectstream.producers.session import messages
from affectstream.publish import published
from affectstream.runtime.audit import audit_log
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import ProducerSettings, Settings, as_env, load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import FusedEmotion, ModalityState, Party, Reason
from affectstream.session_file import SessionArguments, plan

pytestmark = [pytest.mark.integration, pytest.mark.timeout(200)]

SESSION, TOKEN = "heard", "a-token"
START_MS = 1_700_000_000_000
SECONDS = 8  # the customer talks in the first half, the agent in the second
SAID = {"customer": "My parcel never came.", "agent": "I am looking for it now."}
READY_S = 120.0
ONE_STEP = 1 / 32768  # of 16 bits
SOUND = "document.querySelector('#call-sound')"
DECODED = """async ([url, rate, begins]) => {
    const found = [];
    for (const from of begins) {
        const part = await (await fetch(`${url}/part?from_ms=${from}`)).arrayBuffer();
        const context = new OfflineAudioContext(1, 1, rate);
        found.push(...(await context.decodeAudioData(part)).getChannelData(0));
    }
    return found;
}"""


@pytest.fixture
def settings(broker_settings: Settings, tmp_path: Path) -> Settings:
    """A system that records, and lets be listened to with the token."""
    policy = {
        "recordings": tmp_path / "kept",
        "audit_log": tmp_path / "audit.jsonl",
        "listening": True,
        "words_in_turns": True,
        "agent_purpose": "synthetic",
    }
    own = {name: getattr(broker_settings, name).model_dump() for name in ("kafka", "redis")}
    return load(**own, policy=policy, api={"token": TOKEN, "port": free_port()})


@pytest.fixture
def spoken() -> dict[str, np.ndarray]:
    """What each party says, silence where the other talks."""
    half = np.zeros(SECONDS // 2 * RATE_HZ, np.float32)
    customer = np.concatenate([voice(SECONDS // 2), half])
    agent = np.concatenate([half, voice(SECONDS // 2, pitch_hz=210.0)])
    return {"customer": customer, "agent": agent}


@contextmanager
def recording(settings: Settings) -> Iterator[Callable[[], object]]:
    """Run `affectstream record`; yields what stops it, after which its files are whole."""
    command = Path(sys.executable).with_name("affectstream"), "record"
    process = subprocess.Popen(
        command, env=os.environ | as_env(settings), stderr=subprocess.DEVNULL, preexec_fn=die_with_parent
    )

    def stop() -> None:
        process.terminate()
        assert process.wait(60) == 0

    try:
        yield stop
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving(settings: Settings, logs: Path) -> Iterator[str]:
    """Run the API with the page; yields its address."""
    health = free_port()
    env = as_env(settings) | {"AFFECT_API__HEALTH_PORT": str(health)}
    with Children([Child("api", "affectstream.dashboards", env, health)], logs) as servers:
        servers.wait_ready(READY_S)
        yield f"http://127.0.0.1:{settings.api.port}"


def call(folder: Path, spoken: dict[str, np.ndarray]) -> SessionPlan:
    """A call as a recording of two channels with a transcript."""
    half = SECONDS // 2
    cues = [
        f"00:00:0{at}.500 --> 00:00:0{at + half - 1}.500\n<v {party.title()}>{SAID[party]}</v>"
        for at, party in ((0, "customer"), (half, "agent"))
    ]
    transcript = folder / "call.vtt"
    transcript.write_text("\n\n".join(["WEBVTT", *cues]) + "\n")
    media = wav(folder / "call.wav", *spoken.values())
    arguments = SessionArguments([media], (), ",".join(spoken), transcript, session=SESSION)
    return plan(arguments, ProducerSettings(), START_MS, "synthetic")


async def fused(settings: Settings) -> None:
    """Write the windows that the fusion would: each party is read while it talks."""
    async with FusedStore(settings.redis) as store:
        await store.write([window(party, second) for second in range(SECONDS) for party in SAID])


def window(party: Party, second: int) -> FusedEmotion:
    talks = (second < SECONDS // 2) == (party == "customer")
    heard = {"state": "present", "p": MIXED, "weight": 0.5, "quality": 0.9, "count": 1, "model_id": "test@1"}
    absent = {"state": "abstained", "reason": Reason.SILENCE}
    states = tuple(ModalityState(modality=m, **(heard if talks else absent)) for m in ("audio", "text"))
    at_ms = START_MS + 1000 * (second + 1)
    return final(at_ms, MIXED if talks else None, session_id=SESSION, party=party, modalities=states)


async def listening(page: Page, url: str) -> str:
    """Sign in and begin to listen; returns where the sound is."""
    await page.goto(f"{url}/call/{SESSION}")
    await page.get_by_label("Token of the API").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.locator("canvas")).to_have_count(2)  # before, a page does not take what is typed
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", SECONDS)
    return url + str(await page.locator("#call-sound").get_attribute("data-ticket"))


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_S
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def seen(page: Page, sound: str, expected: np.ndarray) -> None:
    """Check what a visitor hears, where the cursor goes, and what is read beside it."""
    begins = list(range(START_MS, START_MS + 1000 * SECONDS, 10_000))
    heard = np.array(await page.evaluate(DECODED, [sound, RATE_HZ, begins]))
    assert np.abs(heard - expected).max() <= ONE_STEP
    await page.locator("#call-sound").evaluate("sound => { sound.pause(); sound.currentTime = 5.5; }")
    for party in SAID:
        cursor = page.get_by_role("region", name=party).locator(".call-cursor")
        await expect(cursor).to_have_attribute("data-at", "0:05")
    await expect(page.locator(".call-turns tbody tr")).to_contain_text(list(SAID.values()))
    await expect(page.locator(".call-turns tbody tr[data-now]")).to_contain_text(SAID["agent"])


async def test_what_was_said_in_a_call_comes_out_of_its_page_to_the_sample(
    settings: Settings, spoken: dict[str, np.ndarray], tmp_path: Path
) -> None:
    expected = sum(spoken.values())
    part = tmp_path / "kept" / f"{SESSION}.mcap.part"
    with recording(settings) as stop, serving(settings, tmp_path) as url:
        await published(messages(call(tmp_path, spoken)), settings.kafka, None)
        await fused(settings)
        await until(part.exists)
        async with launched() as browser, visiting(browser) as page:
            sound = await listening(page, url)
            await seen(page, sound, expected)
            await asyncio.to_thread(stop)
            await page.locator("#call-sound").evaluate("sound => sound.play()")
            await page.wait_for_function(f"{SOUND}.ended")
        async with httpx.AsyncClient() as client:
            whole = (await client.get(sound)).content
    assert not part.exists()
    with wave.open(io.BytesIO(whole)) as file:
        assert (file.getframerate(), file.getnframes()) == (RATE_HZ, RATE_HZ * SECONDS)
        stored = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert np.abs(stored - expected).max() <= ONE_STEP
    read = [entry.by for entry in audit_log(settings.policy).entries() if entry.detail.get("what") == "sound"]
    assert read == ["Grace"]
