"""The watchdog on a real Kafka: a process that reads nothing ends, one that reads goes on."""

import asyncio
import os
import sys

import pytest
from support.kafka_texts import utterance

from affectstream.runtime.kafka import Publisher
from affectstream.runtime.process import RESTART, die_with_parent
from affectstream.runtime.settings import KafkaSettings, as_env, load

pytestmark = pytest.mark.integration

MEMBER = """
import asyncio
from affectstream.runtime.kafka import Subscriber
from affectstream.runtime.process import run
from affectstream.runtime.settings import load
from affectstream.runtime.watchdog import Watchdog
from support.kafka_texts import GROUP, TEXTS

async def main(stop):
    kafka = load().kafka
    async with Subscriber(kafka, [TEXTS], GROUP) as member, Watchdog(kafka, [TEXTS], GROUP, member.held):
        for second in range(5):
            {work}
            await asyncio.sleep(1)

run(main)
"""
READS = "await member.commit({(TEXTS, r.partition): r.offset + 1 for r in await member.get(1, 50)})"


@pytest.mark.parametrize(("work", "code"), [("pass", RESTART), (READS, 0)], ids=["stuck", "reading"])
async def test_a_member_that_stands_still_ends_and_one_that_moves_goes_on(
    kafka: KafkaSettings, work: str, code: int
):
    async with Publisher(kafka) as publisher:
        await publisher.send_many([utterance(i) for i in range(20)], partition=2)
    env = as_env(load(kafka=kafka.model_dump() | {"stuck_s": 2}))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        MEMBER.replace("{work}", work),
        env={**os.environ, **env, "PYTHONPATH": "tests"},
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == code, said.decode()[-2000:]
    assert (b"consumer_stuck" in said) == (code == RESTART)
