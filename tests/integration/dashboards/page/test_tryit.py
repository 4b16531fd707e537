"""Trials of the models in a browser: a sentence, a photo with a caption, the microphone, what is refused."""

import asyncio
from importlib.resources import as_file, files
from pathlib import Path

import cv2
import numpy as np
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FileChooser, Locator, Page, expect

from affectstream.schemas.labels import EMOTIONS

pytestmark = pytest.mark.asyncio(loop_scope="package")

MOST_TABS = 20
MODELS_MS = 120_000  # a deadline: the first trial loads them


def photo() -> bytes:
    """A picture with a face: one of the demo call, whose face is drawn."""
    with as_file(files("affectstream") / "demo_call" / "customer.mp4") as path:
        _, picture = cv2.VideoCapture(str(path)).read()
    return bytes(cv2.imencode(".png", picture)[1])


async def opened(url: str, page: Page) -> Locator:
    """Open the page; return its results."""
    await page.goto(f"{url}/try")
    await expect(page.get_by_role("button", name="Try it")).to_be_visible()
    return page.get_by_role("region", name="Result")


async def chosen(page: Page, name: str, media: str, data: bytes) -> None:
    """Choose a file and wait until it has arrived."""
    file = {"name": name, "mimeType": media, "buffer": data}
    await page.get_by_label("Photo or recording").set_input_files(file)  # type: ignore[arg-type]
    await expect(page.get_by_text(f"{name}, ")).to_be_visible()


async def test_a_sentence_is_tried_by_keyboard_alone(api_url: str, page: Page) -> None:
    found = await opened(api_url, page)
    await page.get_by_label("What is said").focus()
    await page.keyboard.type("I am so angry about this bill")
    await page.keyboard.press("Enter")
    await expect(found).to_contain_text("cues consistent with angry", timeout=MODELS_MS)
    await expect(found.get_by_role("rowheader")).to_have_text([*EMOTIONS, "weight"])


async def test_a_photo_with_a_caption_shows_both_and_the_box_of_the_face(api_url: str, page: Page) -> None:
    found = await opened(api_url, page)
    await chosen(page, "face.png", "image/png", photo())
    await page.get_by_label("What is said").fill("I am so angry about this bill")
    await page.get_by_role("button", name="Try it").click()
    await expect(found.get_by_role("columnheader")).to_have_text(
        ["fused", "face", "words"], timeout=MODELS_MS
    )
    picture = await page.get_by_alt_text("The chosen picture").bounding_box()
    box = await page.locator(".trial-box").bounding_box()
    assert picture and box
    assert picture["x"] < box["x"] and box["width"] < picture["width"]
    await page.get_by_role("button", name="Remove the file").click()
    await expect(page.locator(".trial-box")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "media", "read"),
    [
        ("customer.mp4", "video/mp4", ["fused", "face", "voice"]),
        ("agent.flac", "audio/flac", ["fused", "voice"]),
    ],
)
async def test_a_recording_is_tried_in_all_that_it_holds(
    api_url: str, page: Page, name: str, media: str, read: list[str]
) -> None:
    found = await opened(api_url, page)
    data = (files("affectstream") / "demo_call" / name).read_bytes()
    await chosen(page, name, media, data)
    await page.get_by_role("button", name="Try it").click()
    await expect(found.get_by_role("columnheader")).to_have_text(read, timeout=MODELS_MS)
    await expect(found.get_by_role("rowheader")).to_have_text([*EMOTIONS, "weight"])


async def reached(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(MOST_TABS):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError("the keyboard does not reach it")


async def test_a_photo_of_a_phone_is_tried_by_keyboard_alone(
    api_url: str, page: Page, tmp_path: Path
) -> None:
    """It has twelve million pixels, more than a frame of a call may have."""
    picture = cv2.imdecode(np.frombuffer(photo(), np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(tmp_path / "phone.jpg"), cv2.resize(picture, (4000, 3000)))
    dialogs: asyncio.Queue[FileChooser] = asyncio.Queue()
    page.on("filechooser", dialogs.put_nowait)  # from the beginning: a dialog before it would be missed
    found = await opened(api_url, page)
    await reached(page, page.get_by_label("Photo or recording"))
    await page.keyboard.press("Enter")
    await (await dialogs.get()).set_files(tmp_path / "phone.jpg")
    await expect(page.get_by_text("phone.jpg, ")).to_be_visible()
    await reached(page, page.get_by_role("button", name="Try it"))
    await page.keyboard.press("Enter")
    await expect(found.get_by_role("columnheader")).to_have_text(["fused", "face"], timeout=MODELS_MS)
    await expect(page.locator(".trial-box")).to_be_visible()
    await reached(page, page.get_by_role("button", name="Remove the file"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".trial-box")).to_have_count(0)


async def test_the_microphone_is_tried_by_keyboard_alone(api_url: str, page: Page) -> None:
    found = await opened(api_url, page)
    microphone = page.get_by_role("button", name="Microphone")
    await reached(page, microphone)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Recording, 20 seconds at most")).to_be_visible()
    await page.wait_for_timeout(1_500)  # of sound: a window is a second
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("microphone, ")).to_be_visible()
    await reached(page, page.get_by_role("button", name="Try it"))
    await page.keyboard.press("Enter")
    await expect(found.get_by_role("columnheader")).to_have_text(["fused", "voice"], timeout=MODELS_MS)


async def test_what_cannot_be_tried_is_refused_in_a_line(api_url: str, page: Page) -> None:
    await opened(api_url, page)
    alert = page.get_by_role("alert")
    await page.get_by_role("button", name="Try it").click()
    await expect(alert).to_contain_text("Choose a file")
    for name, media, why in (("a.png", "image/png", "picture"), ("a.mp4", "video/mp4", "recording")):
        await chosen(page, name, media, b"this is neither")
        await page.get_by_role("button", name="Try it").click()
        await expect(alert).to_contain_text(why, timeout=MODELS_MS)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_and_a_phone_scrolls_only_down(api_url: str, page: Page, theme: str) -> None:
    await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    await page.set_viewport_size({"width": 390, "height": 844})
    found = await opened(api_url, page)
    await page.get_by_label("What is said").fill("Thank you, that is wonderful")
    accent = {"light": "rgb(5, 80, 174)", "dark": "rgb(121, 192, 255)"}[theme]
    await expect(page.locator(".q-field__label")).to_have_css("color", accent)  # of the field with the focus
    await page.keyboard.press("Enter")
    await expect(found).to_contain_text("cues consistent with", timeout=MODELS_MS)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    report = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert report.violations_count == 0, report.generate_report()
