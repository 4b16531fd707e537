"""Replaying: pace, flow control, failures, and what a cancellation leaves behind."""

import asyncio
from collections import defaultdict
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.flow import Limits, Unread
from affectstream.producers.playback import Control
from affectstream.producers.replay import play
from affectstream.schemas.errors import InputError, Unavailable
from affectstream.schemas.messages import AudioChunk, EndOfStream, VideoFrame
from affectstream.schemas.topics import FRAMES

START = 1_700_000_000_000
COMMON = {"session_id": "s", "party": "customer", "expects": ("video", "audio")}


def frame(seq, at_ms, size=1000):
    at_ms += START
    return VideoFrame(
        **COMMON, seq=seq, start_ms=at_ms, end_ms=at_ms, watermark_ms=at_ms + 1, jpeg=b"x" * size
    )


def chunk(seq, start_ms):
    start_ms += START
    return AudioChunk(
        **COMMON,
        seq=seq,
        start_ms=start_ms,
        end_ms=start_ms + 2000,
        watermark_ms=start_ms,
        pcm=b"",
        rate_hz=8000,
    )


class Time:
    """A clock that moves only while somebody sleeps."""

    def __init__(self):
        self.now = 100.0

    def clock(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds
        await asyncio.sleep(0)


class Broker:
    """Keeps what is sent, with the time; readers take records when told to."""

    def __init__(self, time, reads_per_poll=3):
        self.time, self.reads = time, reads_per_poll
        self.sent, self.unread, self.most = [], defaultdict(int), 0
        self.polls = 0

    async def send(self, message):
        self.sent.append((self.time.now - 100.0, message))
        self.unread[FRAMES.name] += 1
        self.most = max(self.most, self.unread[FRAMES.name])
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def lag(self, topic):
        self.polls += 1
        self.unread[topic] = max(0, self.unread[topic] - self.reads)
        return {0: self.unread[topic], 1: 0}


@pytest.mark.parametrize(("speed", "scale"), [(1, 1), (10, 0.1), (0.5, 2)])
async def test_each_message_is_sent_when_it_is_due(speed, scale):
    time = Time()
    broker = Broker(time)
    script = [frame(0, 0), frame(1, 200), chunk(0, 0), frame(2, 2400)]
    played = await play(iter(script), broker.send, speed, clock=time.clock, sleep=time.sleep)
    assert [at for at, _ in broker.sent] == pytest.approx([0, 0.2 * scale, 2 * scale, 2.4 * scale])
    assert (played.records, played.payload_bytes) == (4, 3000)


@pytest.mark.parametrize("speed", [1.0, None])
async def test_a_pause_delays_what_follows_by_its_length_and_loses_nothing(speed):
    time, control = Time(), Control()
    broker = Broker(time)
    polls = []

    async def sleep(seconds):
        await time.sleep(seconds)
        polls.append(control.paused)
        if sum(polls) == 40:  # so many polls of 50 ms later
            control.paused = False

    def noted(message):
        control.paused = message.seq == 1

    script = [frame(k, 400 * k) for k in range(4)]
    await play(
        iter(script), broker.send, speed, progress=noted, control=control, clock=time.clock, sleep=sleep
    )
    at_once = [0, 0, 2.0, 2.0] if speed is None else [0, 0.4, 2.8, 3.2]
    assert [at for at, _ in broker.sent] == pytest.approx(at_once, abs=0.06)
    assert [m.seq for _, m in broker.sent] == list(range(4))


async def test_without_a_speed_nothing_waits():
    time = Time()
    broker = Broker(time)
    await play((frame(k, 200 * k) for k in range(50)), broker.send, None, clock=time.clock, sleep=time.sleep)
    assert [m.seq for _, m in broker.sent] == list(range(50))
    assert time.now == 100.0


@pytest.mark.parametrize("limits", [Limits(high_records=20, low_records=8), Limits(25_000, 9_000)])
async def test_what_lies_unread_stays_below_the_limit_and_nothing_is_lost(limits):
    time = Time()
    broker = Broker(time)
    script = (frame(k, k) for k in range(300))
    await play(script, broker.send, None, broker.lag, limits=limits, clock=time.clock, sleep=time.sleep)
    assert [m.seq for _, m in broker.sent] == list(range(300))
    assert broker.most <= 21
    assert broker.polls < 200  # the broker is asked only when the bound is passed


async def test_progress_is_told_of_every_message():
    seen = []
    await play(iter([frame(0, 0), frame(1, 200)]), Broker(Time()).send, None, progress=seen.append)
    assert [m.seq for m in seen] == [0, 1]


async def test_a_failed_acknowledgement_is_raised():
    async def send(message):
        done = asyncio.get_running_loop().create_future()
        done.set_exception(Unavailable("the broker is gone"))
        return done

    with pytest.raises(Unavailable, match="gone"):
        await play(iter([frame(0, 0)]), send, None)
    with pytest.raises(Unavailable, match="gone"):
        await play((frame(k, k) for k in count()), send, None)


async def test_a_fault_in_the_recording_is_raised_after_what_came_before_is_acknowledged():
    acknowledged = []

    async def send(message):
        async def ack():
            await asyncio.sleep(0)
            acknowledged.append(message.seq)

        return ack()

    def broken():
        yield frame(0, 0)
        yield frame(1, 1)
        raise InputError("call.mp4: broken")

    with pytest.raises(InputError, match="broken"):
        await play(broken(), send, None)
    assert acknowledged == [0, 1]


async def test_cancellation_waits_for_what_was_sent():
    acks, sent = [], asyncio.Event()

    async def send(message):
        acks.append(asyncio.get_running_loop().create_future())
        if len(acks) == 3:
            sent.set()
        return acks[-1]

    async def never(seconds):
        await asyncio.Event().wait()

    async def lag(topic):
        return {0: 3}

    script = (frame(k, k) for k in count())
    limits = Limits(high_records=2, low_records=1)
    task = asyncio.create_task(play(script, send, None, lag, limits=limits, sleep=never))
    await sent.wait()
    task.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    for ack in acks:
        assert not ack.cancelled()
        ack.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(acks) == 3


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
async def test_an_impossible_speed_is_refused(speed):
    with pytest.raises(InputError, match="speed"):
        await play(iter([]), Broker(Time()).send, speed)


async def test_the_end_of_a_stream_travels_like_any_message():
    end = EndOfStream(**COMMON, modality="video", seq=0, start_ms=START, end_ms=START, watermark_ms=START)
    broker = Broker(Time())
    await play(iter([end]), broker.send, 1)
    assert [m for _, m in broker.sent] == [end]


@given(st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 6)), max_size=60))
def test_the_bound_is_never_below_what_lies_unread(steps):
    unread, true, limits = Unread(Limits(20_000, 5_000, 30, 5)), [], Limits(20_000, 5_000, 30, 5)
    for size, read in steps:
        unread.sent(size)
        true.append(size)
        del true[:read]
        if unread.full:
            unread.update(len(true))
        assert unread.full or (sum(true) <= limits.high_bytes and len(true) <= limits.high_records)
