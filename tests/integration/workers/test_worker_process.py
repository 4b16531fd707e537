"""A worker as a process of its own, with the shipped text model."""

import signal
from asyncio.subprocess import PIPE

import pytest
from support.worker_fakes import said
from support.worker_process import running
from support.worker_topics import caught_up, observed

from affectstream.models.weights import FOLDER
from affectstream.runtime.kafka import Publisher
from affectstream.schemas.messages import Probabilities

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
