"""What is simulated is what a replay of the same file sends, message by message."""

import pytest
from support.recordings import call as recorded

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.call_plan import CallPlan
from affectstream.producers.gateway.events import Audio, Picture, Started
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.simulators import browser
from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.producers.session import messages
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.messages import EndOfStream

ZERO_MS = 1_700_000_000_123


def streamed(path, video):
    protocol, found = Plain(), []
    events = [e for _, m in browser("c", path, ProducerSettings(), "") for e in protocol.receive(m)]
    assert isinstance(events[0], Started) and events[0].video == video
    call = Call(CallPlan("c", ZERO_MS, events[0].parties, events[0].video))
    for event in events:
        if isinstance(event, Audio | Picture):
            found += call.messages(event)
    return [*found, *call.finish()]


def by_modality(found):
    kept = [m for m in found if not isinstance(m, EndOfStream)]
    return sorted(kept, key=lambda m: (m.modality, m.seq))


@pytest.mark.parametrize(("name", "video"), [("call.wav", ()), ("call.mp4", ("customer",))])
def test_a_browser_sends_the_frames_and_chunks_of_a_replay(name, video, tmp_path):
    path = recorded(tmp_path / name, 3)
    replayed = messages(SessionPlan("c", ZERO_MS, (PartySource("customer", path),)))
    assert by_modality(streamed(path, video)) == by_modality(replayed)
