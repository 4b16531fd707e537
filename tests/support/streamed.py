"""Calls that a gateway took in, beside the recordings of them."""

import asyncio
import time

import numpy as np
from support.recordings import voice
from support.system import analysed, lines

from affectstream.producers.gateway.simulators import to_mu_law
from affectstream.producers.gateway.sound import mu_law
from affectstream.producers.session import messages
from affectstream.producers.session_ids import SessionIds
from affectstream.publish import Ends
from affectstream.runtime.store import FusedStore
from affectstream.session_file import SessionArguments, plan


def telephone(seconds, pitch_hz):
    """A voice as mu-law leaves it, so that the recording of it is what is streamed."""
    pcm = np.clip(np.rint(voice(seconds, pitch_hz=pitch_hz) * 32768), -32768, 32767).astype("<i2")
    return np.frombuffer(mu_law(to_mu_law(pcm)), "<i2").astype(np.float32) / 32768


async def same_bytes(gateway, call_id, path, pause_ms=(0, 0), **arguments):
    """Wait until a call is final, and compare its windows with those of its recording.

    Those that a pause touches are left out; ``pause_ms`` is since the beginning of the call.
    """
    session_id = SessionIds("a key of nobody").of(call_id)
    began = await gateway.event("call_started", session=session_id)
    recorded = plan(
        SessionArguments([path], session=session_id, **arguments),
        gateway.settings.producer,
        began["start_ms"],
        "synthetic",
    )
    stream = list(messages(recorded))
    ends = Ends(gateway.settings.fusion.window_ms)
    for message in stream:
        ends.note(message)
    deadline = time.monotonic() + 200
    async with FusedStore(gateway.settings.redis) as store:
        while not await ends.reached(store, session_id):
            assert time.monotonic() < deadline, gateway.complaint()
            await asyncio.sleep(0.1)
    streamed = await gateway.finals(session_id)
    first_ms, last_ms = (began["start_ms"] + ms for ms in pause_ms)

    def heard(windows):
        return [each for each in windows if each.end_ms <= first_ms or each.start_ms >= last_ms]

    assert lines(heard(streamed)) == lines(heard(analysed(stream, gateway.settings)))
    return streamed
