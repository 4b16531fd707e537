"""A model in shadow: it reads what the model in use reads, and nothing of it reaches the fusion."""

import asyncio

import pytest
from prometheus_client import REGISTRY
from support.worker_fakes import Words, said
from support.worker_topics import caught_up, letters, observed, send_raw

from affectstream.runtime.kafka import Publisher
from affectstream.schemas.topics import SHADOW, TRANSCRIPTS
from affectstream.workers.fusion.__main__ import PROBABILITIES as READ_BY_FUSION
from affectstream.workers.serve import serve

pytestmark = pytest.mark.integration


class Trial(Words):
    model_id = "words/2"


def published(worker):
    labels = {"modality": worker, "state": "probabilities"}
    return REGISTRY.get_sample_value("affect_observations_total", labels) or 0


async def test_a_model_in_shadow_is_recorded_and_not_fused(broker_settings):
    text = broker_settings.text.model_copy(update={"shadow": True})
    trial = broker_settings.model_copy(update={"text": text})
    before = published("text"), published("text-shadow")
    async with Publisher(broker_settings.kafka) as publisher:
        await publisher.send_many([said("hello", f"s{n % 3}", n // 3) for n in range(30)])
    await send_raw(broker_settings.kafka, [(TRANSCRIPTS.name, 0, b"no message")])
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(Words(), broker_settings, stop))
        tasks.create_task(serve(Trial(), trial, stop))
        await caught_up(broker_settings, "text")
        await caught_up(trial, "text", text)
        stop.set()

    used = await observed(broker_settings.kafka, READ_BY_FUSION)
    tried = await observed(broker_settings.kafka, SHADOW)
    assert {one.model_id for _, one in used} == {"words/1"}
    assert {one.model_id for _, one in tried} == {"words/2"}
    inputs = [sorted((p, one.session_id, one.seq) for p, one in each) for each in (used, tried)]
    assert inputs[0] == inputs[1] and len(inputs[0]) == 30
    assert [letter.body for letter in await letters(broker_settings.kafka)] == [b"no message"]
    assert (published("text"), published("text-shadow")) == (before[0] + 30, before[1] + 30)
