"""The way of a live stream to Kafka, and what refuses it before it starts."""

import argparse
import asyncio

import pytest

from affectstream.producers.live import LivePlan, parser, plan, publish
from affectstream.runtime.embedded import EmbeddedBroker
from affectstream.runtime.kafka.lag import LagMeter
from affectstream.runtime.settings import load
from affectstream.schemas.errors import InputError, PolicyError
from affectstream.schemas.messages import VideoFrame
from affectstream.schemas.topics import FRAMES

LIVE = LivePlan("s", "customer", ("video",))


def options(*arguments) -> argparse.Namespace:
    return parser("", "video").parse_args(["--session", "call-1", *arguments])


def test_the_options_make_a_plan():
    assert plan(options(), load(), "video") == LivePlan("call-1", "customer", ("video",))
    both = plan(
        options("--expects", "audio, video", "--party", "other"),
        load(policy={"agent_purpose": "safety"}),
        "video",
    )
    assert (both.party, both.expects) == ("other", ("video", "audio"))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (["--party", "agent"], PolicyError, "agent_purpose"),
        (["--party", "other"], PolicyError, "agent_purpose"),
        (["--expects", "audio"], InputError, "must name video"),
        (["--expects", "video,smell"], InputError, "smell unknown"),
        (["--session", "a b"], InputError, "a session id has"),
        (["--run", "a b"], InputError, "a run id has"),
    ],
)
def test_what_may_not_be_sent_is_refused_before_a_broker_is_asked(arguments, error, says):
    with pytest.raises(error, match=says):
        plan(options(*arguments), load(), "video")


async def test_stopping_sends_the_end_of_the_stream_last():
    stop, ended = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    def stream(halted):
        at_ms = 1_700_000_000_000
        times = {"start_ms": at_ms, "end_ms": at_ms, "watermark_ms": at_ms}
        yield VideoFrame(**LIVE.base(), **times, seq=0, jpeg=b"x")
        loop.call_soon_threadsafe(stop.set)
        assert halted.wait(30)
        ended.append(True)
        yield LIVE.end("video", 1, at_ms + 1)

    with EmbeddedBroker() as broker:
        settings = load(kafka={"bootstrap": broker.bootstrap, "embedded": True})
        await publish(stream, settings, stop, LIVE, "video")
        async with LagMeter(settings.kafka) as meter:
            progress = await meter.progress(FRAMES.name, "affect-video")
    assert ended
    assert sum(each.end for each in progress.values()) == 2
