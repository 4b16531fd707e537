"""The recogniser's loop: what it publishes and commits, what it leaves alone, and partitions that go."""

import asyncio

import pytest
from support.asr import LOUD, START_MS, Lengths, Loudness, chunks, sound

from affectstream.runtime.kafka import Record
from affectstream.runtime.settings import load
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import EndOfStream
from affectstream.schemas.topics import CHUNKS
from affectstream.workers.asr.__main__ import Recognition
from affectstream.workers.asr.listener import Listener


class FakeKafka:
    """A subscriber that hands out records, and a publisher beside it; the loop stops with the last record."""

    def __init__(self, messages, stop):
        self.records = [
            Record(CHUNKS.name, 0, offset, 0, b"s", m if isinstance(m, bytes) else encode(m))
            for offset, m in enumerate(messages)
        ]
        self.stop, self.sent, self.commits = stop, [], []
        self.on_revoked = None

    async def get(self, most, timeout_ms):
        found, self.records = self.records[:2], self.records[2:]
        if not self.records:
            self.stop.set()
        return found

    async def commit(self, offsets, reached):
        self.commits.append((offsets[CHUNKS.name, 0], reached[CHUNKS.name, 0]))

    async def send(self, message, *, partition=None, run="", topic=None):
        assert partition == 0
        self.sent.append(message)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def ran(messages, wall_ms=lambda: START_MS, taken_away=False, **settings):
    stop = asyncio.Event()
    kafka = FakeKafka(messages, stop)

    def subscriber(on_revoked):
        kafka.on_revoked = on_revoked
        return kafka

    class TakenAway(Lengths):
        """Its partition is revoked while it works."""

        def transcribe(self, samples):
            kafka.on_revoked({(CHUNKS.name, 0)})
            return super().transcribe(samples)

    recogniser = TakenAway() if taken_away else Lengths()
    loop = Recognition(
        lambda: Listener(Loudness(), recogniser), load(**settings), subscriber, kafka, lambda: 0.0, wall_ms
    )
    await loop.run(stop)
    return kafka, recogniser


def spoken(kafka):
    return [m.text for m in kafka.sent if getattr(m, "text", "")]


CALL = chunks(sound((1, 0), (2, LOUD), (2, 0)))


async def test_words_are_published_and_what_they_need_is_committed():
    kafka, _ = await ran(CALL)
    assert spoken(kafka) == ["20 tenths"]
    assert isinstance(kafka.sent[-1], EndOfStream)
    assert kafka.commits == [(0, 2), (0, 4), (6, 6)]


async def test_an_agent_who_is_not_permitted_is_not_listened_to_and_time_goes_on():
    agent = chunks(sound((1, 0), (2, LOUD), (2, 0)), party="agent")
    kafka, recogniser = await ran(agent)
    assert spoken(kafka) == []
    assert recogniser.heard == []
    assert kafka.sent[-1].watermark_ms == START_MS + 5000
    kafka, _ = await ran(agent, policy={"agent_purpose": "synthetic"})
    assert spoken(kafka) == ["20 tenths"]


async def test_sound_that_is_older_than_the_budget_is_not_listened_to():
    kafka, recogniser = await ran(CALL, lambda: START_MS + 100_000, asr={"live_budget_ms": 1000})
    assert recogniser.heard == []
    assert kafka.sent[-1].watermark_ms == START_MS + 5000


@pytest.mark.parametrize("other", [b"no message", chunks(sound((1, LOUD)), transcribe=False)[0]])
async def test_what_is_not_for_the_recogniser_is_passed_over(other):
    kafka, _ = await ran([other, other])
    assert kafka.sent == []
    assert kafka.commits == [(2, 2)]


async def test_nothing_is_published_or_committed_of_a_partition_that_was_taken_away():
    kafka, recogniser = await ran(CALL[:4], taken_away=True)
    assert recogniser.heard
    assert spoken(kafka) == []
    assert kafka.commits == [(0, 2)]
