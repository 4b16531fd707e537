"""A worker as a process of its own, with the shipped text model."""

import asyncio
import signal
from asyncio.subprocess import PIPE
from contextlib import suppress

import pytest
from aiohttp import ClientError, ClientSession
from support.worker_fakes import said
from support.worker_process import running
from support.worker_topics import caught_up, observed

from affectstream.models.weights import FOLDER
from affectstream.runtime import process
from affectstream.runtime.embedded import EmbeddedBroker
from affectstream.runtime.kafka import Publisher
from affectstream.runtime.process import free_port
from affectstream.runtime.settings import load
from affectstream.schemas.messages import Probabilities

READY_S = 120
AFTER_S = 5  # the limit, for a process that shares its processor
GIVEN_UP = 128 + signal.SIGTERM  # what it waited for at its limit is given up

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not (FOLDER / "text.json").exists(), reason="the text weights are not there yet"),
]


async def test_a_process_told_to_stop_leaves_with_zero_and_the_next_one_goes_on(broker_settings):
    for first in (0, 5):
        async with Publisher(broker_settings.kafka) as publisher:
            await publisher.send_many([said("I am so happy", "s", seq) for seq in range(first, first + 5)])
        async with running("text", broker_settings, stderr=PIPE) as child:
            await caught_up(broker_settings, "text")
            child.send_signal(signal.SIGTERM)
            assert await child.wait() == 0
    answers = [observation for _, observation in await observed(broker_settings.kafka)]
    assert [answer.seq for answer in answers] == list(range(10))
    assert all(isinstance(answer, Probabilities) for answer in answers)
    assert len({answer.p for answer in answers}) == 1


@pytest.mark.parametrize("name", ["text", "fusion"])
async def test_a_process_told_to_stop_when_its_broker_is_gone_ends_all_the_same(name, redis_server):
    with EmbeddedBroker() as broker:
        port = free_port()
        own = {"kafka": {"bootstrap": broker.bootstrap, "embedded": True}, name: {"health_port": port}}
        async with running(name, load(**own, redis={"url": redis_server.url}), stderr=PIPE) as child:
            async with ClientSession() as client, asyncio.timeout(READY_S):
                while not await ready(client, port):
                    await asyncio.sleep(0.05)
            broker.__exit__(None, None, None)
            child.send_signal(signal.SIGTERM)
            async with asyncio.timeout(process.LONGEST_STOP_S + AFTER_S):
                _, stderr = await child.communicate()
    assert child.returncode in (0, GIVEN_UP), stderr.decode()


async def ready(client, port):
    """Say whether a process answers that it is ready."""
    with suppress(ClientError):
        async with client.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    return False


async def test_a_process_that_cannot_run_says_in_one_line_why(broker_settings, tmp_path):
    nowhere = str(tmp_path / "nowhere")
    impossible = broker_settings.model_copy(
        update={"text": broker_settings.text.model_copy(update={"model": nowhere})}
    )
    async with running("text", impossible, stderr=PIPE) as child:
        _, stderr = await child.communicate()
    assert child.returncode == 2
    last = stderr.decode().splitlines()[-1]
    assert last.startswith("error: ")
    assert nowhere in last
    assert "Traceback" not in stderr.decode()
