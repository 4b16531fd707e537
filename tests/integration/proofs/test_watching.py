"""Proof: what watches a live call tells what Redis holds of it, and how the processes are that read it.

The demo call goes on at its own speed beside the page in a browser and a Prometheus that asks every process.
"""

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from support.browser import launched, visiting
from support.paths import ROOT
from support.system import DEMO, System, shortened
from support.watching import Prometheus, Watched, observed_of_all_kinds, prometheus, streamed, watched
from support.worker_topics import send_raw

from affectstream.analytics.label import LabelFold
from affectstream.analytics.summary import summarise
from affectstream.dashboards.grafana import pipeline
from affectstream.dashboards.page.conversation import quarter
from affectstream.dashboards.page.wording import NOUNS
from affectstream.export import display_of
from affectstream.producers.session import SessionMessage, messages
from affectstream.runtime.settings import ProducerSettings, Settings
from affectstream.runtime.store import FusedStore
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion, Modality
from affectstream.schemas.topics import CHUNKS, FRAMES, FUSED, PROBABILITIES, TRANSCRIPTS
from affectstream.session_file import SessionArguments, plan

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

SESSION = "watched"
SECONDS, HALF_WAY_S = 12, 6
DEADLINE_S = 120
ROUNDING = 0.0051  # of two decimals
CHART = """party => {
    const chart = document.querySelector(`section[aria-label="${party}"] .call-chart`);
    const series = chart ? getElement(Number(chart.id.slice(1))).chart.getOption().series : [];
    return Object.fromEntries(series.map(each => [each.name, each.data]));
}"""
CUE = f'.ag-row[row-id="{SESSION} customer"] [col-id="cue"]'
ELSEWHERE = {  # metrics that a sound broker feeds never: by what tests them in a process that serves them
    "affect_records_lost_total": "tests/integration/runtime/test_kafka_failures.py",
    "affect_commits_dropped_total": "tests/integration/runtime/test_kafka_groups.py",
}
DOCUMENTED = re.findall(
    r"^\| `(affect_\w+)` \| (\w+) \|.*\| ([\w, ]+) \|$",
    (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
WORKERS = ("video", "audio", "text", "alerts")
NAMED = {"workers": WORKERS, "all": (*WORKERS, "fusion", "gateway", "api")}  # as docs/metrics.md has it
INPUTS = (FRAMES, CHUNKS, TRANSCRIPTS, PROBABILITIES, FUSED)
STILL = ("Restarts", "Lag")  # panels on which nothing happens in a sound system


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def around(system: System, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """The shared system with an API and a gateway."""
    with watched(system, tmp_path_factory.mktemp("logs")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def measured(around: Watched, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    """A Prometheus that asks every process, a second apart."""
    with prometheus(around.metrics, tmp_path_factory.mktemp("prometheus")) as running:
        await running.scraped(len(around.metrics))
        yield running


def live_call(session: str, seconds: int) -> list[SessionMessage]:
    """The first seconds of the demo call, which begins now."""
    now_ms = int(time.time() * 1000)
    call = plan(SessionArguments([DEMO], session=session), ProducerSettings(), now_ms, None)
    return list(shortened(messages(call), now_ms + 1000 * seconds))


def until(stream: Sequence[SessionMessage], at_ms: int) -> int:
    """How many messages lie before a time."""
    return next(i for i, message in enumerate(stream) if message.start_ms >= at_ms)


async def newest(system: System) -> tuple[FusedEmotion, str | None]:
    """The newest pane of the customer in Redis, and the label that is displayed for it."""
    settings = system.settings
    fold = LabelFold(display_of(settings))
    async with FusedStore(settings.redis) as store:
        pane = await store.latest(SESSION, "customer")
        assert pane is not None
        for final in await store.finals(SESSION, "customer"):
            if final.end_ms < pane.end_ms:
                fold.add(final)
    return pane, fold.add(pane).label


async def shows_redis(system: System, at_least_ms: int, live: Page, call: Page) -> FusedEmotion:
    """Wait until Redis has come so far and both pages show its newest pane; returns that."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        pane, label = await newest(system)
        row = await live.locator(CUE).all_inner_texts()
        now = await call.locator('section[aria-label="customer"] .call-now').all_inner_texts()
        cue = label or ("unsure" if pane.label else "nothing to read")
        noun = f"consistent with {NOUNS[label]}" if label else cue
        shown = any(cue in text for text in row) and any(noun in text for text in now)
        numbers = [float(number) for text in (*row, *now) for number in re.findall(r"0\.\d\d|1\.00", text)]
        if pane.end_ms >= at_least_ms and shown and _near(numbers, pane.confidence if label else None):
            return pane
        assert time.monotonic() < deadline, (label, pane.label, pane.confidence, pane.end_ms, row, now)
        await asyncio.sleep(0.1)


def _near(numbers: Sequence[float], confidence: float | None) -> bool:
    if confidence is None:
        return not numbers
    return len(numbers) >= 2 and all(abs(number - confidence) <= ROUNDING for number in numbers[:2])


async def test_the_pages_show_what_redis_holds_while_a_call_goes_on(
    around: Watched, measured: Prometheus
) -> None:
    system, stream = around.system, live_call(SESSION, SECONDS)
    half_ms, end_ms = (stream[0].start_ms + 1000 * seconds for seconds in (HALF_WAY_S, SECONDS))
    cut = until(stream, half_ms)
    async with launched() as browser, visiting(browser) as live, visiting(browser) as call:
        await live.goto(f"{around.url}/?q={SESSION}")  # of many calls: what has ended sinks out of sight
        await call.goto(f"{around.url}/call/{SESSION}")
        await expect(call.get_by_role("status").first).to_contain_text("There is no session")
        await system.play(stream[:cut], speed=1.0)
        half = await shows_redis(system, half_ms - 2000, live, call)
        await expect(live.locator(f'.ag-row[row-id="{SESSION} customer"]')).to_contain_text("live")
        await system.play(stream[cut:], speed=1.0)
        last = await shows_redis(system, end_ms - 1000, live, call)
        assert last.end_ms > half.end_ms
        for party in ("customer", "agent"):
            row = live.locator(f'.ag-row[row-id="{SESSION} {party}"]')
            await expect(row).to_contain_text("ended", timeout=1000 * DEADLINE_S)
        finals = await system.finals(SESSION)  # all of them: a party has ended once its last is written
        await charts_show(call, finals)
        await summaries_show(call, finals)
        await live.goto("about:blank")
        await call.goto("about:blank")


async def charts_show(call: Page, finals: Sequence[FusedEmotion]) -> None:
    """The chart of each party holds the probabilities and weights of its finals, in their order."""
    for party in ("customer", "agent"):
        its = [final for final in finals if final.party == party]
        assert len(its) >= SECONDS
        deadline = time.monotonic() + DEADLINE_S
        while len((found := await call.evaluate(CHART, party)).get("happy", ())) < len(its):
            said = await call.get_by_role("status").all_inner_texts()
            drawn = {name: len(data) for name, data in found.items()}
            assert time.monotonic() < deadline, (party, len(its), drawn, said)
            await asyncio.sleep(0.1)
        for i, name in enumerate(EMOTIONS):
            wanted = [None if final.p is None else pytest.approx(final.p[i], abs=1e-3) for final in its]
            assert found[name] == wanted, (party, name)
        for modality in {state.modality for final in its for state in final.modalities}:
            weights = [pytest.approx(weight(final, modality), abs=1e-3) for final in its]
            assert found[f"weight of {WORDS[modality]}"] == weights, (party, modality)


def weight(final: FusedEmotion, modality: Modality) -> float:
    return next((state.weight for state in final.modalities if state.modality == modality), 0.0)


async def summaries_show(call: Page, finals: Sequence[FusedEmotion]) -> None:
    """The texts and quarters on the page are those of a fold over all finals in Redis."""
    for party in summarise(finals, display_of(Settings())).parties:
        text = f"{party.party.capitalize()}: {party.text}"
        await expect(call.locator(".call-short").get_by_text(text)).to_be_visible()
        row = (
            call.get_by_role("row").filter(has_text=quarter(party.quarters[-1])).filter(has_text=party.party)
        )
        await expect(row.first).to_be_visible()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stirred(around: Watched, measured: Prometheus) -> Watched:
    """A system that has met everything that a metric counts, twice and scrapes apart: rates need that."""
    system = around.system
    for number in range(2):
        await system.play(live_call(f"stirred-{number}", seconds=3), speed=None)
        await streamed(around.stream_url, f"streamed-{number}")
        await observed_of_all_kinds(system, f"observed-{number}")
        await send_raw(system.settings.kafka, [(topic.name, 0, b"no message") for topic in INPUTS])
        async with httpx.AsyncClient(base_url=around.url) as client:
            (await client.get("/api/sessions")).raise_for_status()
        await asyncio.sleep(2.5)  # scrapes are a second apart
    return around


def feeding(by: str) -> set[str]:
    """The processes that a row of the table says feed its metric."""
    return {process for name in by.split(", ") for process in NAMED.get(name, (name,))}


def unfed(found: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, str]]:
    """Which documented metric which process that is named beside it does not feed."""
    for name, kind, by in DOCUMENTED:
        series = f"{name}_count" if kind == "histogram" else name
        for process in feeding(by):
            served = found.get(process, {})
            if process in found and not (series in served if kind == "gauge" else served.get(series)):
                yield name, process


async def test_every_metric_is_fed_by_the_processes_that_are_documented_to(stirred: Watched) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while lacking := {each for each in unfed(await stirred.scrape()) if each[0] not in ELSEWHERE}:
        assert time.monotonic() < deadline, lacking
        await asyncio.sleep(0.2)
    assert len(DOCUMENTED) >= 30
    assert {process for _, _, by in DOCUMENTED for process in feeding(by)} <= {
        *stirred.metrics,
        "asr",  # tests/integration/workers/test_recogniser.py
        "recorder",  # tests/integration/workers/test_recorder.py
    }


@pytest.mark.parametrize("panel", pipeline.PANELS, ids=lambda panel: panel[0])
async def test_a_panel_of_the_pipeline_shows_what_prometheus_has(
    stirred: Watched, measured: Prometheus, panel: tuple[str, str, str, str]
) -> None:
    title, _, _, expr = panel
    labels = set(re.search(r"by \(([\w, ]+)\)", expr)[1].split(", ")) - {"le"}  # type: ignore[index]
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = await measured.range(expr.replace("$__rate_interval", "30s"))
        values = [float(value) for series in found for _, value in series["values"]]
        if any(math.isfinite(value) and (value > 0 or title in STILL) for value in values):
            break
        assert time.monotonic() < deadline, (title, found)
        await asyncio.sleep(0.5)
    assert {frozenset(series["metric"]) for series in found} == {frozenset(labels)}
