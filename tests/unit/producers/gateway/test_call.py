"""A streamed call becomes the chunks of its recording, whatever the order of its frames.

frames    0   1   2   3   4   5   ...      20 ms each, by their stamps
arrival   0   2   1   1   4   5   ...      1 came late, and twice; 3 never came
read as   0   1   2   -   4   5   ...      silence in the place of 3
"""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.calls import SOUND, STEP_MS, ZERO_MS, frames, messages, plan
from support.recordings import voice, wav

from affectstream.producers import audio
from affectstream.producers.audio import End
from affectstream.producers.gateway.call import LARGEST_GAP_MS, Call
from affectstream.producers.gateway.events import Audio, Fault, Picture, Refused
from affectstream.producers.gateway.lane import LAG_MS, REORDER_MS, Lane
from affectstream.producers.gateway.simulators import to_mu_law
from affectstream.producers.gateway.sound import mu_law
from affectstream.producers.media import probe
from affectstream.schemas.messages import AudioChunk, EndOfStream, VideoFrame

IN_ORDER = messages(frames())


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("frame_ms", [10, 20, 70])
def test_the_chunks_are_those_of_the_recording(rate_hz, frame_ms, tmp_path):
    samples = voice(3.3, rate_hz)
    path = wav(tmp_path / "call.wav", samples, rate_hz=rate_hz)
    pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
    *chunks, end = messages(frames(pcm, rate_hz=rate_hz, ms=frame_ms))
    expected = list(audio.chunks(probe(path), None, Counter(), zero_ms=ZERO_MS))
    found = [(m.rate_hz, m.start_ms - ZERO_MS, m.end_ms - ZERO_MS, m.pcm) for m in chunks]
    assert found == [(r, c.start_ms, c.end_ms, c.pcm) for r, c in expected[:-1]]
    assert isinstance(end, EndOfStream) and expected[-1] == End(end.end_ms - ZERO_MS)
    assert [m.seq for m in [*chunks, end]] == list(range(len(chunks) + 1))


@settings(deadline=None, max_examples=60)
@given(st.data(), st.booleans())
def test_no_order_within_the_wait_and_no_duplicate_changes_a_byte(data, numbered):
    """Every frame is delayed by less than the wait, and some come again."""
    found = frames(numbered=numbered)
    most = (REORDER_MS - STEP_MS) // STEP_MS - 1
    delays = data.draw(st.lists(st.integers(0, most), min_size=len(found), max_size=len(found)))
    again = data.draw(st.lists(st.integers(0, len(found) - 1), max_size=10))
    arrivals = sorted(
        [(n + delay, n) for n, delay in enumerate(delays)] + [(n + delays[n] + 1, n) for n in again]
    )
    assert messages([found[n] for _, n in arrivals]) == IN_ORDER


@pytest.mark.parametrize("numbered", [True, False])
def test_a_lost_frame_is_silence_and_one_that_comes_too_late_is_dropped(numbered):
    found = frames(numbered=numbered)
    silenced = SOUND.copy()
    silenced[50 * 160 : 51 * 160] = 0
    late = [*found[:50], *found[51:120], found[50], *found[120:]]
    call = Call(plan())
    assert messages(late, call) == messages(frames(silenced))
    assert call.dropped["late_frame"] == 1
    assert call.progress.filled_ms == STEP_MS


@given(st.lists(st.integers(-25, 25), min_size=len(frames()), max_size=len(frames())))
@settings(deadline=None, max_examples=30)
def test_jitter_of_the_stamps_of_numbered_frames_changes_nothing(jitter):
    shaken = [
        Audio(f.party, f.rate_hz, f.pcm, max(0, f.stream_ms + by) if f.index else 0, f.index)
        for f, by in zip(frames(), jitter, strict=True)
    ]
    assert messages(shaken) == IN_ORDER


def test_frames_without_stamps_follow_each_other():
    assert messages([Audio(f.party, f.rate_hz, f.pcm, None) for f in frames()]) == IN_ORDER


def test_a_party_that_stops_sending_is_silent_while_the_other_goes_on():
    both = plan(parties=("customer", "other"), agent_purpose="safety")
    call = Call(both)
    short, long = frames(SOUND[:8000]), frames(np.tile(SOUND, 3), "other")
    sent = [m for event in [*short, *long] for m in call.messages(event)]
    last = max(m.end_ms for m in sent if m.party == "customer")
    assert last >= ZERO_MS + 9_900 - LAG_MS - 1000
    assert call.progress.filled_ms > 0


def test_parties_are_put_in_order_each_by_itself_and_share_one_zero():
    call = Call(plan(parties=("customer", "other"), agent_purpose="safety"))
    late = [Audio("other", 8000, f.pcm, f.stream_ms + 1500) for f in frames()]
    found = messages([*frames(), *late], call)
    first = next(m for m in found if m.party == "other")
    assert first.start_ms == ZERO_MS and not any(first.pcm[: 1600 * 2 - 400])
    assert {m.party for m in found if isinstance(m, EndOfStream)} == {"customer", "other"}


@pytest.mark.parametrize("party", ["agent", "other"])
def test_the_agent_and_others_are_heard_only_for_a_permitted_purpose(party):
    both = [*frames(party=party), *frames()]
    refused = Call(plan(parties=("customer", party)))
    assert messages(both, refused) == IN_ORDER
    assert refused.dropped["not_permitted"] == len(frames())
    allowed = Call(plan(parties=("customer", party), agent_purpose="synthetic"))
    assert {m.party for m in messages(both, allowed)} == {"customer", party}
    assert plan(parties=(party,)).permitted == ()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Audio("customer", 8000, bytes(320), LARGEST_GAP_MS + 5_000), "time_leaps"),
        (Audio("customer", 16_000, bytes(320), 40), "rate_changed"),
    ],
)
def test_a_leap_and_another_rate_are_refused(event, reason):
    call = Call(plan())
    list(call.messages(frames()[0]))
    with pytest.raises(Fault) as fault:
        list(call.messages(event))
    assert fault.value.reason == reason


def test_pictures_are_kept_in_order_and_end_with_the_call():
    call = Call(plan(video=("customer",)))
    events = [Picture("customer", b"jpeg", at_ms) for at_ms in (0, 200, 100, 400)]
    found = messages([*frames(SOUND[:8000]), *events], call)
    assert [m.start_ms - ZERO_MS for m in found if isinstance(m, VideoFrame)] == [0, 200, 400]
    assert call.dropped["late_picture"] == 1
    assert {m.modality for m in found if isinstance(m, EndOfStream)} == {"video", "audio"}
    assert all(m.expects == ("video", "audio") for m in found)


def test_a_call_without_sound_sends_nothing():
    assert messages([]) == []
    assert all(isinstance(m, AudioChunk) for m in IN_ORDER[:-1])


def scrambled(data, found):
    """Frames of which some are lost, come late or twice, or whose stamps jitter."""
    kinds = data.draw(st.lists(st.sampled_from(".....ldj"), min_size=len(found), max_size=len(found)))
    late = [
        (n + (15 if kind == "d" else 0), frame)
        for n, (frame, kind) in enumerate(zip(found, kinds, strict=True))
    ]
    late += [(n + 5, found[n]) for n, kind in enumerate(kinds) if kind == "d"]
    kept = [(n, frame) for n, frame in late if kinds[frame.stream_ms // STEP_MS] != "l"]
    moved = {n: data.draw(st.integers(-30, 30)) for n, kind in enumerate(kinds) if kind == "j"}
    for _, frame in sorted(kept, key=lambda each: each[0]):
        shift = moved.get(frame.stream_ms // STEP_MS, 0)
        yield Audio(frame.party, frame.rate_hz, frame.pcm, max(0, frame.stream_ms + shift), frame.index)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.booleans())
def test_keeping_frames_that_are_next_gives_the_bytes_of_ordering_every_one(data, numbered):
    found = list(scrambled(data, frames(numbered=numbered)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lane, "extend", lambda lane, audio: False)
        expected = messages(found)
    assert messages(found) == expected


@settings(deadline=None, max_examples=60)
@given(st.data(), st.lists(st.integers(0, 165), max_size=12))
def test_sound_that_is_taken_together_gives_the_bytes_of_taking_it_frame_by_frame(data, cuts):
    found = list(scrambled(data, frames()))
    call, sent = Call(plan()), []
    for begin, end in pairwise([0, *sorted(cuts), len(found)]):
        sent += call.left_of(found[begin:end]) or ()
    assert [*sent, *call.finish()] == messages(found)


def test_sound_is_taken_up_to_what_is_no_sound_or_refused():
    found = frames()
    picture, other_rate = Picture("customer", 0, b"jpeg"), Audio("customer", 16_000, found[60].pcm, 1200, 60)
    sent = Call(plan()).left_of([*found[:60], picture, *found[60:]])
    assert sent == [IN_ORDER[0], picture, *found[60:]]
    assert Call(plan()).left_of([*found[:60], other_rate, *found[60:]]) == [
        IN_ORDER[0],
        Refused("rate_changed"),
    ]
    assert Call(plan()).left_of(found[:3]) is None


@settings(deadline=None, max_examples=20)
@given(st.lists(st.booleans(), min_size=165, max_size=165))
def test_frames_that_are_decoded_together_give_the_bytes_of_decoding_every_one(decoded):
    law = to_mu_law(SOUND)
    found = frames(np.frombuffer(mu_law(law), "<i2"))
    coded = [
        Audio("customer", 8000, law[8 * f.stream_ms :][:160], f.stream_ms, f.index, mu_law) for f in found
    ]
    mixed = [f if plain else c for f, c, plain in zip(found, coded, decoded, strict=True)]
    assert messages(coded) == messages(found) == messages(mixed)


def test_a_call_of_six_hours_ends_to_the_millisecond_and_holds_no_more_than_a_short_one():
    """Frames of ten seconds; one in a hundred is lost."""
    step_ms, hours = 10_000, 6
    pcm, call = bytes(16 * step_ms), Call(plan(chunk_ms=20_000, hop_ms=20_000))
    found, most, numbers = [], 0, [n for n in range(hours * 3_600_000 // step_ms) if n % 100 != 50]
    for n in numbers:
        found += call.messages(Audio("customer", 8000, pcm, n * step_ms, n))
        lane = call._lanes["customer"]
        most = max(most, sum(map(len, lane._blocks)) + sum(map(len, lane._chunker._blocks)))
    found += call.finish()
    assert most < 80 * 8000
    assert found[-1].end_ms == ZERO_MS + hours * 3_600_000
    assert [m.seq for m in found] == list(range(len(found)))
    assert all(a.end_ms == b.start_ms for a, b in pairwise(found[:-1]))
    assert call.progress.filled_ms == (numbers[-1] + 1 - len(numbers)) * step_ms
