"""A recorder in the test's process or in one of its own, what it is sent, and what it has written."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from support.observations import ended, envelope, final, observed

from affectstream.runtime.kafka import Publisher, partition_of
from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.recording import open_recording
from affectstream.runtime.settings import as_env, load
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import AudioChunk, Observations
from affectstream.schemas.topics import PARTITIONS
from affectstream.workers import recorder
from affectstream.workers.recorded import Scope

DEADLINE_S = 60
SOUND = ("audio",)


def keeping(broker_settings, folder):
    """The settings of a test with a folder of recordings and an audit log, and all else as by default."""
    policy = {"recordings": folder / "kept", "audit_log": folder / "audit.jsonl"}
    kafka = broker_settings.kafka.model_dump(include={"bootstrap", "topic_prefix"})
    return load(kafka=kafka, redis={"url": broker_settings.redis.url}, policy=policy)


def call(session_id, first=0, last=4, end=True):
    """What the topics carry of a call in which one party is heard."""
    own = {"session_id": session_id, "expects": SOUND}
    for n in range(first, last):
        at = {"start_ms": 1000 * n, "end_ms": 1000 * n + 1000, "watermark_ms": 1000 * n + 1000}
        yield AudioChunk(**envelope("audio", n, **own | at), pcm=noise(n), rate_hz=8000)
        yield Observations(items=(observed("audio", n, **at, **own),))
        yield final(1000 * n + 1000, session_id=session_id)
    if end:
        yield ended("audio", last, 1000 * last, **own)


def noise(n):
    """A tenth of a second that hardly lets itself be compressed."""
    return random.Random(n).randbytes(1600)


async def send(settings, messages):
    """Publish messages as the processes do; returns their bytes."""
    async with Publisher(settings.kafka) as publisher:
        sent = list(messages)
        for message in sent:
            of_results = isinstance(message, Observations)
            number = partition_of(message.items[0].session_id, PARTITIONS) if of_results else None
            await (await publisher.send(message, partition=number))
    return [encode(message) for message in sent]


@asynccontextmanager
async def recording(settings, scope=Scope(), crash=False):  # noqa: B008  # frozen
    """A recorder beside the test, stopped as by a signal, or torn away."""
    stop = asyncio.Event()
    task = asyncio.create_task(recorder.serve(settings, scope, stop))
    try:
        yield task
    finally:
        task.cancel() if crash else stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, DEADLINE_S)


async def until(true, task=None):
    """Wait for what is true; a recorder that ends before fails the test."""
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        if task is not None and task.done():
            task.result()
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)  # most read the files of all sessions each time


def stored(path):
    """Return the bytes of the messages in a recording, sorted, while it is written too."""
    try:
        return sorted(encode(each.message) for each in open_recording(path).messages())
    except Exception:  # it is not there yet, or no chunk of it is
        return []


def kept(folder, session_id):
    """Return what is stored of a session, whether its file is finished or not."""
    return stored(folder / f"{session_id}.mcap") or stored(folder / f"{session_id}.mcap.part")


class Process:
    """A recorder as a process of its own: ``with Process(settings, log) as recorder``; killed at the end."""

    def __init__(self, settings, log, *limits):
        self.port, self.log = free_port(), log
        own = settings.recorder.model_copy(update={"health_port": self.port})
        env = {**os.environ, **as_env(settings.model_copy(update={"recorder": own}))}
        program = [*limits, Path(sys.executable).parent / "affectstream", "record"]
        with log.open("wb") as errors:
            self.popen = subprocess.Popen(
                program, env=env, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=die_with_parent
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.wait()

    async def ended(self):
        """Wait for the end; returns the exit code."""
        return await asyncio.to_thread(self.popen.wait, DEADLINE_S)

    async def stopped(self):
        """Stop by SIGTERM; returns the exit code."""
        self.popen.terminate()
        return await self.ended()

    async def readiness(self):
        """Return what /readyz says by check; {} where nobody answers."""
        with suppress(aiohttp.ClientError):
            return json.loads(await self._got("readyz"))
        return {}

    async def until_ready(self, **checks):
        """Wait until /readyz says so."""
        wanted = {"partitions": True, "fetching": True, "room": True} | checks
        deadline = time.monotonic() + DEADLINE_S
        while (found := await self.readiness()) != wanted:
            assert time.monotonic() < deadline, (found, self.log.read_text())
            await asyncio.sleep(0.05)

    async def metrics(self):
        """Return what /metrics serves."""
        return await self._got("metrics")

    async def _got(self, page):
        url = f"http://127.0.0.1:{self.port}/{page}"
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            return await answer.text()
