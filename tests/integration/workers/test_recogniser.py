"""A call without a transcript on a real Kafka and Redis: its words are recognised, as `analyze` does."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace

import pytest
from support.paths import ROOT
from support.system import READY_S, STALL_MS, START_MS, System, analysed, lines, shortened

from affectstream.processes import Children
from affectstream.producers.session import messages
from affectstream.runtime.kafka import topics
from affectstream.runtime.settings import ProducerSettings, load
from affectstream.session_file import SessionArguments, plan
from affectstream.up import processes
from affectstream.workers.asr.offline import recognised

pytestmark = pytest.mark.integration

SECONDS = 8
PROCESSES = ("audio", "text", "asr", "fusion")


def call():
    """The first seconds of one side of the demo call, as a customer's recording without a transcript."""
    path = ROOT / "affectstream" / "demo_call" / "agent.flac"
    made = plan(SessionArguments([path], session="without-words"), ProducerSettings(), START_MS, None)
    return list(shortened(messages(replace(made, transcribe=True)), START_MS + SECONDS * 1000))


@pytest.fixture
def system(kafka_server, redis_server, tmp_path):
    settings = load(
        kafka={"bootstrap": kafka_server.bootstrap, "topic_prefix": f"asr{os.getpid()}."},
        redis={"url": f"{redis_server.url}/3"},
        fusion={"stall_ms": STALL_MS},
        asr={"enabled": True},
        log={"format": "json"},
    )
    asyncio.run(topics.create(settings.kafka, replication=1))
    children = [child for child in processes(settings) if child.name in PROCESSES]
    with Children(children, tmp_path) as started, ThreadPoolExecutor(1) as hand:
        started.wait_ready(READY_S)
        yield System(settings, started, hand)


async def test_a_call_without_a_transcript_has_the_words_of_analyze_though_the_recogniser_is_killed(system):
    def killed():
        system.children.kill("asr")
        system.children.start("asr")

    stream = call()
    windows = await system.run(stream, None, killed)
    assert lines(windows) == lines(
        analysed(recognised(stream, system.settings, nullcontext()), system.settings)
    )
    texts = [state for window in windows for state in window.modalities if state.modality == "text"]
    assert len(texts) == len(windows) == SECONDS
    assert sum(state.state == "present" for state in texts) >= SECONDS // 2
    assert {state.state for state in texts} <= {"present", "abstained"}
    logged = "".join(path.read_text() for path in system.children.logs.iterdir())
    assert "billing" not in logged.casefold()  # a word of the first sentence
