"""The alerts worker over fakes of Kafka and Redis."""

import asyncio

from affectstream.analytics.rules import Rule
from affectstream.runtime.kafka import Record
from affectstream.schemas.topics import FUSED
from affectstream.workers.alerts import AlertsWorker

RULES = (Rule(name="angry", kind="above", emotions=("angry",), level=0.6, seconds=3, hysteresis=0.2),)


class Topic:
    """One partition: what is on it, what is committed; ends the loop when all of it has been read."""

    def __init__(self, values, stop):
        self.values, self.at, self.committed, self.stop = values, 0, 0, stop
        self.size = 4

    async def get(self, max_records, timeout_ms):
        batch = self.values[self.at : self.at + self.size]
        first, self.at = self.at, self.at + len(batch)
        if not batch:
            self.stop.set()
        return [Record(FUSED.name, 0, first + i, 0, b"call", value) for i, value in enumerate(batch)]

    async def commit(self, offsets):
        ((topic, partition),) = offsets
        assert (topic, partition) == (FUSED.name, 0)
        self.committed = offsets[topic, partition]


class Publisher:
    """What was sent, and the run that each message is of."""

    def __init__(self):
        self.sent, self.runs = [], []

    async def send(self, message, *, partition=None, run="", topic=None):
        self.sent.append(message)
        self.runs.append(run)
        ack = asyncio.get_running_loop().create_future()
        ack.set_result(None)
        return ack


class Store:
    """Redis: finals that fusion wrote, alerts by their field; counts how often it was read."""

    def __init__(self, finals):
        self.held, self.written, self.read = finals, {}, 0

    async def finals(self, session_id, party, start_ms=None, end_ms=None):
        self.read += 1
        return [w for w in self.held if (w.session_id, w.party) == (session_id, party) and w.end_ms <= end_ms]

    async def positions(self, parties):
        ends = {(w.session_id, w.party): w.end_ms for w in sorted(self.held, key=lambda w: w.end_ms)}
        return [ends.get(party) for party in parties]

    async def write_alerts(self, found):
        for alert in found:
            before = self.written.setdefault((alert.alert_id, alert.edge), alert)
            assert before == alert


class Clock:
    """Half a second later at every look."""

    def __init__(self):
        self.s = 0.0

    def __call__(self):
        self.s += 0.5
        return self.s


async def no_sleep(_):
    """Wait for nothing."""


def run(values, store, publisher=None, start=0, sleep=no_sleep):
    """One worker from a committed offset until it has read everything; returns its topic and publisher."""
    publisher = publisher or Publisher()

    async def go():
        stop = asyncio.Event()
        topic = Topic(values, stop)
        topic.at = topic.committed = start
        await AlertsWorker(RULES, topic, publisher, store, Clock(), sleep).run(stop)
        return topic

    return asyncio.run(go()), publisher
