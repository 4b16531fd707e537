"""Pauses of a call and withdrawn consent: marked in its stream, with nothing of them in a message."""

import numpy as np
import pytest
from support.calls import SOUND, ZERO_MS, frames, messages, plan

from affectstream.producers.gateway.call import LARGEST_GAP_MS, Call
from affectstream.producers.gateway.events import Audio, Fault, Paused, Picture, Resumed
from affectstream.schemas.consent import withheld
from affectstream.schemas.messages import AudioChunk, Reason


def silenced_frames(gap_ms):
    """The frames of the sound, with the span of a pause as silence."""
    pause = np.zeros((gap_ms + 200) * 8, "<i2")
    return frames(np.concatenate([SOUND[:8000], pause, SOUND[9600:]]))


@pytest.mark.parametrize(
    ("gap_ms", "heard"),  # whether anything comes during the pause
    [(0, True), (0, False), (5_000, True), (LARGEST_GAP_MS + 1_000, False)],
)
def test_a_pause_is_marked_in_the_stream_and_nothing_of_it_is_in_a_message(heard, gap_ms):
    found = frames()
    after = [Audio(f.party, f.rate_hz, f.pcm, f.stream_ms + gap_ms, f.index) for f in found[60:]]
    call = Call(plan())
    sent = messages([*found[:50], Paused(), *(found[50:60] if heard else []), Resumed(), *after], call)
    assert call.dropped["paused"] == (10 if heard else 0)
    expected = messages(silenced_frames(gap_ms))
    for message, silent in zip(sent, expected, strict=True):
        start_ms, end_ms = message.start_ms - ZERO_MS, message.end_ms - ZERO_MS
        if isinstance(message, AudioChunk) and start_ms < 1200 + gap_ms and end_ms > 1000:
            assert message == withheld(silent, Reason.PAUSED)
        else:
            assert message == silent
    assert sum(getattr(m, "withheld", None) is None for m in sent) >= 3


def test_pictures_of_a_pause_are_marked_and_empty():
    call = Call(plan(parties=(), video=("customer",)))
    events = [Picture("customer", b"\xff\xd8", at) for at in (0, 500, 1000, 1500)]
    sent = messages([events[0], Paused(), *events[1:3], Resumed(), events[3]], call)
    assert [(m.jpeg, m.withheld) for m in sent[:-1]] == [
        (b"\xff\xd8", None),
        (b"", "paused"),
        (b"", "paused"),
        (b"\xff\xd8", None),
    ]


def test_what_waits_of_a_call_is_dropped_when_consent_is_withdrawn():
    call = Call(plan())
    for event in frames()[:80]:
        list(call.messages(event))
    call.withdraw()
    with pytest.raises(Fault, match="consent_withdrawn"):
        list(call.messages(frames()[80]))
    assert list(call.finish()) == []


@pytest.mark.parametrize("numbered", [True, False])
def test_what_is_held_by_the_operator_is_a_pause_without_a_word_of_the_protocol(numbered):
    found, call = frames(numbered=numbered), Call(plan())
    sent = [m for event in found[:50] for m in call.messages(event)]
    call.pauses.hold(Reason.PAUSED)
    sent += [m for event in found[50:60] for m in call.messages(event)]
    call.pauses.hold(None)
    sent += [m for event in found[60:] for m in call.messages(event)] + list(call.finish())
    by_protocol = messages([*found[:50], Paused(), *found[50:60], Resumed(), *found[60:]])
    assert sent == by_protocol
