"""Fakes with the methods of the real ones: a broker, a publisher, an analyst, and the loop between them."""

import asyncio

import numpy as np

from affectstream.models.protocol import Predictions
from affectstream.runtime.kafka import Record
from affectstream.runtime.settings import TextSettings
from affectstream.schemas.codec import encode
from affectstream.schemas.errors import InputError, Unavailable
from affectstream.schemas.messages import DeadLetter, Observations, Reason, Transcript
from affectstream.schemas.topics import TRANSCRIPTS
from affectstream.workers.inference import Inference
from affectstream.workers.observe import Prepared, fields_of, probabilities
from affectstream.workers.queue import InputQueue

TOPIC = TRANSCRIPTS.name


def envelope(session="s", seq=0, modality="text", party="customer"):
    return {
        "session_id": session,
        "party": party,
        "modality": modality,
        "seq": seq,
        "start_ms": 1000 * seq,
        "end_ms": 1000 * seq + 900,
        "watermark_ms": 1000 * seq + 900,
        "expects": ("video", "text"),
    }


def said(text, session="s", seq=0, **kwargs):
    return Transcript(**envelope(session, seq, **kwargs), text=text)


def as_bytes(thing):
    return thing if isinstance(thing, bytes) else encode(thing)


class Broker:
    """One topic: logs per partition, what is assigned and committed, and who is told of a rebalance."""

    def __init__(self, logs):
        self.logs = {p: [as_bytes(thing) for thing in log] for p, log in logs.items()}
        self.positions = dict.fromkeys(self.logs, 0)
        self.committed = {}
        self.paused, self.fetched = set(), 0
        self.on_revoked = None
        self.held = set(self.logs)

    async def get(self, max_records, timeout_ms):
        await asyncio.sleep(0)  # before anything is taken: what was read before a rebalance is never returned
        found = []
        for p in sorted(self.held - {p for _, p in self.paused}):
            end = min(self.positions[p] + max_records, len(self.logs[p]))
            found += [
                Record(TOPIC, p, at, 0, b"s", self.logs[p][at]) for at in range(self.positions[p], end)
            ][: max_records - len(found)]
            self.positions[p] = max([r.offset + 1 for r in found if r.partition == p] or [self.positions[p]])
        self.fetched += len(found)
        return found

    async def commit(self, offsets):
        for (topic, p), offset in offsets.items():
            assert topic == TOPIC
            self.committed[p] = offset

    def pause(self, partitions):
        self.paused |= set(partitions)

    def resume(self, partitions):
        self.paused -= set(partitions)

    def assigned(self):
        return {(TOPIC, p) for p in self.held}

    def revoke(self, *partitions):
        """Take partitions away and give them back as a rebalance does: read again from the last commit."""
        self.on_revoked({(TOPIC, p) for p in partitions})
        for p in partitions:
            self.paused.discard((TOPIC, p))
            self.positions[p] = self.committed.get(p, 0)


class Publisher:
    """Keeps what is sent; acknowledges at once, or holds the acknowledgements back until told."""

    def __init__(self, hold=False, fail=None):
        self.sent, self.acks, self.hold, self.fail = [], [], hold, fail

    async def send(self, message, *, partition=None, run="", topic=None):
        ack = asyncio.get_running_loop().create_future()
        self.sent.append((partition, message))
        self.acks.append(ack)
        if self.fail is not None and isinstance(message, self.fail):
            ack.set_exception(Unavailable("the broker is gone"))
        elif not self.hold:
            ack.set_result(None)
        return ack

    def release(self):
        self.hold = False
        for ack in self.acks:
            if not ack.done():
                ack.set_result(None)

    def observed(self, partition):
        return [
            item
            for p, message in self.sent
            if p == partition and isinstance(message, Observations)
            for item in message.items
        ]

    def letters(self):
        return [message for _, message in self.sent if isinstance(message, DeadLetter)]


class Words:
    """An analyst of words; "broken" cannot be decoded, "poison" makes the model raise."""

    modality = "text"
    model_id = "words/1"

    def __init__(self):
        self.batches = []

    def prepare(self, message):
        if message.text == "broken":
            raise InputError("no sense in it")
        if not message.text:
            return Reason.NO_SPEECH
        return Prepared(
            [np.array(message.text)],
            lambda predictions: probabilities(message, self.model_id, fields_of(predictions, 0, 1.0)),
        )

    def predict(self, inputs):
        words = [str(word) for word in inputs]
        self.batches.append(words)
        if "poison" in words:
            raise RuntimeError
        return Predictions.of(np.full((len(words), 7), 1 / 7))


class Worker:
    """The loop with its fakes around it."""

    def __init__(self, logs, publisher=None, analyst=None, purpose=None, wall_ms=lambda: 0.0, **changed):
        self.broker, self.publisher = Broker(logs), publisher or Publisher()
        self.analyst = analyst or Words()
        self.settings = TextSettings(**{"batch_rows": 4, **changed})
        queue = InputQueue("text")
        self.broker.on_revoked = queue.revoked
        self.loop = Inference(
            self.analyst, queue, self.broker, self.publisher, self.settings, purpose, wall_ms
        )
        self.stop = asyncio.Event()

    async def until(self, happened):
        """Run until ``happened``; the loop goes on."""
        self.task = asyncio.create_task(self.loop.run(self.stop))
        await self.meanwhile(happened)

    async def meanwhile(self, happened):
        async with asyncio.timeout(10):
            while not happened() and not self.task.done():
                await asyncio.sleep(0.001)  # polls, with the deadline above

    async def end(self):
        self.stop.set()
        await self.task

    async def work(self):
        """Run until everything is committed, then stop."""
        await self.until(lambda: self.committed_all())
        await self.end()

    def committed_all(self):
        return all(self.broker.committed.get(p, 0) == len(log) for p, log in self.broker.logs.items())
