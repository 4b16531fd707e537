"""The displayed label over the API: folded over the stored finals, on whichever page a reader starts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from support.session_lines import spread, window

from affectstream.analytics.label import Display, labels
from affectstream.dashboards.api import create_app
from affectstream.dashboards.reader import Reader
from affectstream.runtime.store import Session, Span
from affectstream.schemas.codec import encode
from affectstream.schemas.labels import EMOTIONS, INDEX
from affectstream.schemas.messages import FusedEmotion, ModalityState, Pane, PartyKey

CUSTOMER = "/api/sessions/call/customer"


def pane(i: int, happy: float | None, kind: Pane = "final") -> FusedEmotion:
    """The ``i``-th window: so much happy, 0.9 less so much sad, the rest spread; None: without evidence."""
    p = None
    if happy is not None:
        p = tuple({"happy": happy, "sad": 0.9 - happy}.get(name, 0.02) for name in EMOTIONS)
    return window(i, p, pane=kind, rule="log_pool/1a2b3c4d")


CALL = [pane(i, happy) for i, happy in enumerate([0.7, 0.4, 0.4, 0.1, 0.5, None, 0.5, 0.4, 0.4])]


class Stored:
    """The store of one call, as far as labels need it; counts the finals that were read."""

    def __init__(self, newest: FusedEmotion, call: Sequence[FusedEmotion] = CALL) -> None:
        self.newest, self.call = newest, call
        self.read = 0

    async def entries(
        self, session_id: str, party: str, from_ms: int | None, limit: int
    ) -> list[tuple[int, bytes]]:
        found = [(w.end_ms, encode(w)) for w in self.call if w.end_ms >= (from_ms or 0)][:limit]
        self.read += len(found)
        return found

    async def session(self, session_id: str) -> Session:
        return Session(session_id, {"customer": Span(1000, 1000 * len(self.call))})

    async def entries_of(
        self, parties: list[tuple[PartyKey, int | None]], limit: int
    ) -> list[list[tuple[int, bytes]]]:
        return [await self.entries(*key, from_ms, limit) for key, from_ms in parties]

    async def latest_of(self, parties: list[tuple[str, str]]) -> list[FusedEmotion]:
        return [self.newest for _ in parties]


async def get(store: Any, display: Display, path: str, **params: int) -> Any:
    transport = httpx.ASGITransport(create_app(store, display=display))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        response = await client.get(f"{CUSTOMER}/{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    "display",
    [
        Display(),
        Display(min_probability=0.6),
        Display(fitted={"log_pool": 0.6}),
        Display(hysteresis=0.2),
        Display(dwell_ms=3000),
        Display(hysteresis=0.15, dwell_ms=2000, min_probability=0.45),
    ],
)
async def test_every_page_shows_what_the_whole_call_shows(display: Display) -> None:
    expected = [displayed.label for displayed in labels(display, CALL)]
    for start in range(len(CALL)):
        params = {"from": 1000 * start, "limit": 3}
        page = await get(Stored(CALL[-1]), display, "timeline", **params)
        assert [w["shown"] for w in page["windows"]] == expected[start : start + 3]
        assert [w["label"] for w in page["windows"]] == [w.label for w in CALL[start : start + 3]]


# window        0      1    2    3 early       5   6 early
# label         happy  sad  sad  sad           -   sad
# sad ahead by         0.1  0.1  0.1           -   0.3      under a hysteresis of 0.2
async def test_the_newest_pane_follows_on_the_finals_before_it() -> None:
    early = pane(3, 0.4, "early")
    newest = await get(Stored(early), Display(hysteresis=0.2), "latest")
    assert (newest["label"], newest["shown"], newest["pane"]) == ("sad", "happy", "early")
    newest = await get(Stored(pane(6, 0.3, "early")), Display(hysteresis=0.2), "latest")
    assert newest["shown"] == "sad"  # window 5 has no evidence, which ends the memory


async def test_only_a_display_with_memory_reads_the_finals_before_a_page() -> None:
    after = {"from": 7000}  # the last two of nine windows
    for display, read in [(Display(min_probability=0.6), 2), (Display(dwell_ms=2000), 2 + 9)]:
        store = Stored(CALL[-1])
        await get(store, display, "timeline", **after)
        assert store.read == read


def spoken(i: int, emotion: str, kind: Pane = "final") -> FusedEmotion:
    """The ``i``-th window of a voice alone."""
    p = spread(emotion, 0.5)
    voice = ModalityState(modality="audio", state="present", p=p, weight=1.0, count=1, model_id="a-voice")
    return window(i, p, pane=kind, modalities=(voice,))


HABIT = [spoken(i, "angry" if i % 9 else "neutral") for i in range(40)]
HABIT[25] = window(25, None)  # a page may begin with silence
MEASURED = Display(routine={"a-voice": spread("neutral", 0.7)})


@pytest.mark.parametrize("display", [MEASURED, replace(MEASURED, dwell_ms=2000)])
async def test_every_page_measures_by_the_usual_voice_of_the_call(display: Display) -> None:
    expected = [displayed.label for displayed in labels(display, HABIT)]
    assert expected[5] == "angry" != expected[20]
    for start in (0, 8, 9, 10, 11, 25):
        page = await get(Stored(HABIT[-1], HABIT), display, "timeline", **{"from": 1000 * start, "limit": 3})
        assert [w["shown"] for w in page["windows"]] == expected[start : start + 3]
    newest = await get(Stored(spoken(40, "angry", "early"), HABIT), display, "latest")
    assert (newest["label"], newest["shown"]) == ("angry", None)


async def test_the_newest_pane_has_its_probabilities_against_the_usual_voice() -> None:
    pane = spoken(40, "angry", "early")
    reader = Reader(Stored(pane, HABIT), MEASURED)  # type: ignore[arg-type]  # what is needed of a store
    ((displayed, p),) = await reader.displayed([pane])
    assert displayed.label is None
    assert p is not None and pane.p is not None
    assert p[INDEX["angry"]] < 0.6 * pane.p[INDEX["angry"]]
    assert p[INDEX["neutral"]] > pane.p[INDEX["neutral"]]
