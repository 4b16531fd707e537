"""The alerts worker over fakes where a run of a session replaces another: alerts are those of the last."""

import asyncio

import pytest
from support.alerts_worker import RULES, Publisher
from support.session_lines import tenths

from affectstream.analytics.alerts import alerts
from affectstream.runtime.kafka import Record
from affectstream.schemas.codec import encode
from affectstream.schemas.keys import Runs
from affectstream.schemas.topics import FUSED
from affectstream.workers.alerts import AlertsWorker

FIRST, SECOND = tenths("116666661111666666"), tenths("66666111")


class Redis:
    """What fusion keeps of one session, and its alerts."""

    def __init__(self):
        self.kept, self.windows, self.run, self.written = None, [], None, {}

    async def finals(self, session_id, party, start_ms=None, end_ms=None):
        return [window for window in self.windows if window.end_ms <= end_ms]

    async def positions(self, parties):
        return [max((window.end_ms for window in self.windows), default=None) for _ in parties]

    async def runs_of(self, session_ids):
        return [Runs(self.kept) for _ in session_ids]

    async def begin_alerts(self, session_id, run):
        if run != self.run:
            self.run, self.written = run, {}

    async def write_alerts(self, found):
        self.written |= {(alert.alert_id, alert.edge): alert for alert in found}


class Log:
    """One partition of finals with their runs; ``reached`` is called before each fetch."""

    def __init__(self, stop, reached):
        self.stop, self.reached, self.at = stop, reached, 0
        self.records = [
            (encode(window), run) for run, line in (("one", FIRST), ("two", SECOND)) for window in line
        ]

    async def get(self, max_records, timeout_ms):
        self.reached(self.at)
        batch = self.records[self.at : self.at + 3]
        found = [
            Record(FUSED.name, 0, self.at + n, 0, b"call", value, run) for n, (value, run) in enumerate(batch)
        ]
        self.at += len(batch)
        if not batch:
            self.stop.set()
        return found

    async def commit(self, offsets):
        pass


@pytest.mark.parametrize(
    "replaced_at", [0, len(FIRST) // 2, len(FIRST)], ids=["before", "meanwhile", "after"]
)
async def test_the_alerts_are_those_of_the_run_that_is_kept(replaced_at):
    redis, publisher, stop = Redis(), Publisher(), asyncio.Event()

    def reached(at):
        redis.kept = "two" if at >= replaced_at else "one"
        redis.windows = SECOND if redis.kept == "two" else FIRST[: at + 3]

    worker = AlertsWorker(RULES, Log(stop, reached), publisher, redis, sleep=lambda _: asyncio.sleep(0))
    async with asyncio.timeout(20):
        await worker.run(stop)
    expected, sent = alerts(RULES, SECOND), list(zip(publisher.runs, publisher.sent, strict=True))
    assert sorted(redis.written) == sorted((alert.alert_id, alert.edge) for alert in expected)
    assert [message for run, message in sent if run == "two"] == expected
    assert [message for run, message in sent if run == "one"] == alerts(RULES, FIRST)
