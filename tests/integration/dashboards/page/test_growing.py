"""Listening along with a call that goes on: its sound grows while it plays, and nothing interrupts it."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from integration.dashboards.conftest import SESSION, START_MS, Runner
from integration.dashboards.page.conftest import BEARER, LISTEN, Listened, listened, signed_in
from playwright.async_api import Browser, Page, Route, expect
from support.recorded_calls import chunk

from affectstream.dashboards.listening import VISITOR
from affectstream.runtime import recordings
from affectstream.runtime.recording.writer import RecordingWriter
from affectstream.runtime.settings import load
from affectstream.runtime.store import FusedStore
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import FusedEmotion
from affectstream.schemas.topics import CHUNKS

pytestmark = pytest.mark.asyncio(loop_scope="package")

RATE_HZ = 8000
RECORDED_S = 4  # when listening begins
SOUND = "document.querySelector('#call-sound')"


@pytest.fixture
def page(new_page: Page) -> Page:
    """Of a browser that has loaded nothing: sound that it should not have is not left from another test."""
    return new_page


def second(number: int) -> np.ndarray:
    """A second of noise that is no other's."""
    return np.random.default_rng(number).integers(-3000, 3000, RATE_HZ).astype(np.int16)


class Recorder:
    """Writes a recording as the recorder does, second by second."""

    def __init__(self, folder: Path, session: str = SESSION) -> None:
        self._folder, self._session = folder, session
        self._writer, self.seconds = RecordingWriter(folder, session, ""), 0

    def record(self, seconds: int) -> None:
        """Write so much more of the call."""
        for number in range(self.seconds, self.seconds + seconds):
            message = chunk(self._session, "customer", number, START_MS + 1000 * number, second(number))
            self._writer.add(CHUNKS.name, message, encode(message), message.end_ms, number)
        self._writer.flush()
        self.seconds += seconds

    def finish(self) -> None:
        """The call is over."""
        self._writer.finish()

    def delete(self) -> None:
        """Delete it, as a withdrawal does."""
        recordings.delete(self._folder, self._session)


@pytest.fixture(scope="module")
def process(running: Runner, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listened]:
    with listened(running, redis_url, tmp_path_factory.mktemp("growing")) as api:
        yield api


@pytest.fixture
def recorder(process: Listened) -> Iterator[Recorder]:
    """A call that is being recorded, and forgotten after the test."""
    began = Recorder(process.log.path.with_suffix(""))
    began.record(RECORDED_S)
    yield began
    began.delete()


async def test_the_sound_goes_on_as_it_is_recorded_and_listening_is_noted_once(
    process: Listened, recorder: Recorder, page: Page
) -> None:
    before = len(process.reads())
    await signed_in(process, page)
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", RECORDED_S)
    names = ["emptied", "loadstart", "error", "seeking"]
    await page.evaluate(
        f"""names => {{
            window.interruptions = [];
            const note = event => window.interruptions.push(event.type);
            for (const name of names) {SOUND}.addEventListener(name, note);
        }}""",
        names,
    )
    for _ in range(3):
        played = await page.evaluate(f"{SOUND}.currentTime")
        recorder.record(1)
        await expect(page.locator("#call-sound")).to_have_js_property("duration", recorder.seconds)
        await page.wait_for_function(f"{SOUND}.currentTime > {played}")
    await page.wait_for_function(f"{SOUND}.currentTime > {RECORDED_S + 1}")  # later than where it had begun
    recorder.record(1)
    recorder.finish()
    await page.wait_for_function(f"{SOUND}.ended")
    assert await page.evaluate(f"{SOUND}.currentTime") == recorder.seconds
    assert await page.evaluate("window.interruptions") == []
    listened_to = [entry.by for entry in process.reads()[before:] if entry.detail.get("what") == "sound"]
    assert listened_to == ["Grace"]


async def test_the_sound_goes_on_after_an_answer_that_failed(
    process: Listened, recorder: Recorder, browser: Browser
) -> None:
    page = await browser.new_page()  # its log says that an answer failed
    failed = []

    async def fail(route: Route) -> None:
        failed.append(route.request.url)
        await route.fulfill(status=503, json={"detail": "try again shortly"})

    await page.route("**/api/listen/*/times", fail, times=1)
    await signed_in(process, page)
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", RECORDED_S)
    await page.evaluate(f"{SOUND}.currentTime = {RECORDED_S} - 1")
    recorder.record(1)
    recorder.finish()
    await page.wait_for_function(f"{SOUND}.ended")
    assert await page.evaluate(f"{SOUND}.currentTime") == recorder.seconds
    assert failed
    await page.close()


async def test_a_cursor_follows_to_what_was_not_yet_recorded_when_listening_began(
    process: Listened, recorder: Recorder, page: Page
) -> None:
    await signed_in(process, page)
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", RECORDED_S)
    recorder.record(20)
    await expect(page.locator("#call-sound")).to_have_js_property("duration", RECORDED_S + 20)
    await page.locator("#call-sound").evaluate("sound => { sound.pause(); sound.currentTime = 17.5; }")
    cursor = page.get_by_role("region", name="customer").locator(".call-cursor")
    await expect(cursor).to_have_attribute("data-at", "0:17")
    await page.wait_for_function(f"{SOUND}.readyState === HTMLMediaElement.HAVE_ENOUGH_DATA")


async def test_a_browser_that_cannot_add_to_a_sound_plays_what_was_there_when_listening_began(
    process: Listened, recorder: Recorder, page: Page
) -> None:
    await page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")
    await signed_in(process, page)
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", RECORDED_S)
    recorder.record(2)
    await page.wait_for_function(f"{SOUND}.ended")
    assert await page.evaluate(f"{SOUND}.currentTime") == RECORDED_S


async def test_a_recording_that_is_deleted_falls_silent_at_once_also_what_was_fetched(
    process: Listened, recorder: Recorder, browser: Browser
) -> None:
    page = await browser.new_page()  # its log says that the recording was not found
    await signed_in(process, page)
    await page.get_by_label("Your name to listen").fill("Grace")
    await page.keyboard.press("Enter")
    await expect(page.locator("#call-sound")).to_have_js_property("duration", RECORDED_S)
    recorder.delete()
    await expect(page.get_by_text("the recording is not there any more")).to_be_visible()
    await expect(page.locator("#call-sound")).to_have_js_property("readyState", 0)
    await page.close()


async def test_the_api_serves_what_was_added_and_to_the_sample_what_was_said(
    process: Listened, recorder: Recorder
) -> None:
    async with httpx.AsyncClient(base_url=process.url, timeout=30) as client:
        begun = (await client.post(LISTEN, json={"by": "Ada"}, headers=BEARER)).json()
        assert (begun["end_ms"], begun["grows"]) == (START_MS + 1000 * RECORDED_S, True)
        whole = (await client.get(begun["url"])).content
        recorder.record(2)
        times = (await client.get(f"{begun['url']}/times")).json()
        assert (times["end_ms"], times["grows"]) == (START_MS + 1000 * (RECORDED_S + 2), True)
        added = await client.get(begun["url"], headers={"Range": f"bytes={len(whole)}-"})
        assert added.headers["Content-Range"].endswith(f"/{len(whole) + 4 * RATE_HZ}")
        with wave.open(io.BytesIO(whole)) as file:
            pcm = file.readframes(file.getnframes()) + added.content
        expected = np.concatenate([second(number) for number in range(RECORDED_S + 2)])
        np.testing.assert_array_equal(np.frombuffer(pcm, "<i2"), expected)
        as_begun = await client.get(begun["url"], params={"end_ms": begun["end_ms"]})
        assert as_begun.content == whole
        nothing_yet = {"from_ms": times["end_ms"]}
        assert (await client.get(f"{begun['url']}/part", params=nothing_yet)).status_code == 204


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_withdrawn_consent_falls_silent_and_nothing_is_served_later(
    process: Listened, call: list[FusedEmotion], redis_url: str, browser: Browser, goes_on: bool
) -> None:
    session = f"withdrawn-{goes_on}"
    recorder = Recorder(process.log.path.with_suffix(""), session)
    recorder.record(RECORDED_S)
    if not goes_on:
        recorder.finish()
    async with FusedStore(load(redis={"url": redis_url}).redis) as store:
        await store.write([final.model_copy(update={"session_id": session}) for final in call])
        page = await browser.new_page()  # its log says that listening was refused
        await signed_in(process, page, session)
        await page.get_by_label("Your name to listen").fill("Grace")
        await page.keyboard.press("Enter")
        await expect(page.locator("#call-sound")).to_have_js_property("duration", RECORDED_S)
        ticket = await page.locator("#call-sound").get_attribute("data-ticket")
        async with httpx.AsyncClient(base_url=process.url, headers=BEARER, timeout=30) as client:
            asked = {"consent": "withdrawn", "by": "Ada"}
            (await client.post(f"/api/sessions/{session}/consent", json=asked)).raise_for_status()
            await expect(page.get_by_text("The consent to this session was withdrawn")).to_be_visible()
            await expect(page.locator("#call-sound")).to_have_js_property("readyState", 0)
            await page.close()
            paths = [f"{ticket}{rest}" for rest in ("", "/times", f"/part?from_ms={START_MS}")]
            assert [(await client.get(path)).status_code for path in paths] == [403] * 3
            again = await client.post(f"/api/sessions/{session}/listen", json={"by": "Ada"})
            assert again.status_code == 403
        await store.purge(session)
    noted = [(e.did, e.by) for e in process.log.entries() if e.session == session and e.by != VISITOR]
    assert noted == [("recording read", "Grace"), ("consent", "Ada"), ("recording removed", "Ada")]
