"""What is simulated is what a replay of the same file sends, message by message."""

import json

import pytest
from support.recordings import call as recorded

from affectstream.producers.bounds import Utterance
from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.call_plan import CallPlan
from affectstream.producers.gateway.events import Audio, Picture, Started, Words
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.simulators import browser, words
from affectstream.producers.plan import PartySource, SessionPlan
from affectstream.producers.session import messages
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.messages import EndOfStream

ZERO_MS = 1_700_000_000_123
WORDS = {"party": "customer", "encoding": "words"}


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


def test_a_recogniser_sends_a_partial_and_a_final_of_each_utterance():
    said = (Utterance(1000, 3000, None, "I paid twice."), Utterance(3500, 4000, None, "Ja.", language="de"))
    protocol = Plain(beside=True)
    protocol.receive(json.dumps({"type": "start", "call_id": "c", "tracks": [WORDS]}))
    found = [(at_ms, *protocol.receive(message)) for at_ms, message in words(said)]
    assert found == [
        (2000, Words("customer", 1000, 2000, "I paid", False)),
        (3000, Words("customer", 1000, 3000, "I paid twice.", True)),
        (3750, Words("customer", 3500, 3750, "J", False, "de")),
        (4000, Words("customer", 3500, 4000, "Ja.", True, "de")),
    ]
