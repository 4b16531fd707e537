"""A whole session: order, numbers, times, what is expected and when it ends."""

import tracemalloc
from collections import Counter, defaultdict
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise

import numpy as np
import pytest

from affectstream.producers.session import PartySource, SessionPlan, due_ms, estimated_ms, messages
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.due import WAIT_MS
from affectstream.schemas.errors import InputError, PolicyError
from affectstream.schemas.messages import AudioChunk, EndOfStream, Transcript, VideoFrame
from affectstream.schemas.topics import MEDIA

START = 1_700_000_000_000
TEN_A_SECOND = [Fraction(k, 10) for k in range(45)]
VTT = """WEBVTT

00:01.200 --> 00:02.000
<v Customer>one

00:02.000 --> 00:02.500
<v Agent>two

00:02.400 --> 00:03.100
<v Customer>three
"""


@pytest.fixture
def call(media, tools, tmp_path):
    """A customer with picture, sound and words; an agent with sound and words."""
    transcript = tmp_path / "call.vtt"
    transcript.write_text(VTT)
    customer = media("customer.mov", frames_s=TEN_A_SECOND, sound=tools.click(16_000, 4_500, 3_000))
    agent = media("agent.wav", sound=tools.click(8_000, 5_200, 1_500), rate_hz=8_000)
    parties = (
        PartySource("customer", customer, transcript),
        PartySource("agent", agent, transcript),
    )
    return SessionPlan("call-1", START, parties, agent_purpose="synthetic")


def streams(found):
    by = defaultdict(list)
    for message in found:
        by[message.party, message.modality].append(message)
    return by


def test_messages_come_in_order_of_capture_each_stream_numbered_without_gaps_and_ended(call):
    found = list(messages(call))
    dues = [due_ms(m) for m in found]
    assert dues == sorted(dues)
    by = streams(found)
    assert set(by) == {(p, m) for p in ("customer", "agent") for m in ("video", "audio", "text")} - {
        ("agent", "video")
    }
    for stream in by.values():
        assert [m.seq for m in stream] == list(range(len(stream)))
        assert [isinstance(m, EndOfStream) for m in stream] == [False] * (len(stream) - 1) + [True]
        assert all(after.start_ms >= before.watermark_ms for before, after in pairwise(stream))
        assert max(m.end_ms for m in stream) <= stream[-1].end_ms
    assert {m.expects for m in by["customer", "text"]} == {("video", "audio", "text")}
    assert {m.expects for m in by["agent", "audio"]} == {("audio", "text")}


def test_times_are_the_start_of_the_session_plus_the_time_in_the_file(call, tools):
    by = streams(messages(call))
    frames = by["customer", "video"][:-1]
    assert [m.start_ms - START for m in frames] == list(range(0, 4500, 200))
    assert [tools.read_number(m.jpeg) for m in frames] == list(range(0, 45, 2))
    for chunk in by["agent", "audio"][:-1]:
        pcm = np.frombuffer(chunk.pcm, "<i2")
        at = [chunk.end_ms - (len(pcm) - i) / 8 for i in np.flatnonzero(pcm > 20_000)]
        assert at == ([START + 1500] if chunk.end_ms in (START + 2000, START + 3000) else [])
    hops = [(m.start_ms - START, m.end_ms - START, m.watermark_ms - START) for m in by["agent", "audio"][:-1]]
    assert hops == [(k, min(k + 1000, 5200), min(k + 1000, 5200)) for k in range(0, 5200, 1000)]
    spoken = [(m.start_ms - START, m.end_ms - START, m.text) for m in by["customer", "text"][:-1]]
    assert spoken == [
        (0, 1000, ""),
        (1000, 1200, ""),
        (1200, 2000, "one"),
        (2000, 2400, ""),
        (2400, 3100, "three"),
        (3100, 4000, ""),
        (4000, 5000, ""),
        (5000, 5200, ""),
    ]
    assert [m.context for m in by["customer", "text"] if isinstance(m, Transcript) and m.text] == [
        (),
        ("one", "two"),
    ]


def test_the_ends_are_those_of_the_media_and_the_words_end_with_the_session(call):
    ends = {key: stream[-1].end_ms - START for key, stream in streams(messages(call)).items()}
    assert ends == {
        ("customer", "video"): 4500,
        ("customer", "audio"): 4500,
        ("customer", "text"): 5200,
        ("agent", "audio"): 5200,
        ("agent", "text"): 5200,
    }
    assert estimated_ms(call) == pytest.approx(5200, abs=100)


def test_the_same_session_gives_the_same_bytes_and_they_fit_their_topics(call):
    first, second = ([encode(m) for m in messages(call)] for _ in range(2))
    assert first == second
    for message in messages(call):
        assert decode(encode(message), MEDIA[message.modality].max_bytes) == message


def test_after_its_end_a_window_waits_only_for_an_utterance_in_progress(call):
    # 0         1         2         3         4 s
    # |           [  one  )   [three )          |   the customer's words
    def waits_ms(stream):
        ends = range(START + 1000, START + 5000, 1000)
        return [min(due_ms(m) for m in stream if m.watermark_ms >= end) - end for end in ends]

    by = streams(messages(call))
    assert waits_ms(by["customer", "video"]) == [0, 0, 0, 0]
    assert waits_ms(by["customer", "audio"]) == waits_ms(by["agent", "audio"]) == [0, 0, 0, 0]
    assert waits_ms(by["customer", "text"]) == [0, 0, 100, 0]  # "three" ends at 3.1 s
    unaligned = streams(messages(replace(call, start_ms=START + 437)))
    assert waits_ms(unaligned["customer", "audio"]) == waits_ms(unaligned["agent", "audio"]) == [0, 0, 0, 0]


def test_one_stereo_file_is_two_parties(media, tools):
    sound = np.concatenate([tools.click(8_000, 2_000, 200), tools.click(8_000, 2_000, 700)])
    path = media("call.wav", sound=sound, rate_hz=8_000)
    parties = (PartySource("agent", path, channel=0), PartySource("customer", path, channel=1))
    found = messages(SessionPlan("s", START, parties, agent_purpose="medical"))
    clicks = {m.party: np.frombuffer(m.pcm, "<i2").argmax() / 8 for m in found if isinstance(m, AudioChunk)}
    assert clicks == {"agent": 200, "customer": 700}


def test_the_picture_of_a_shared_file_is_nobodys(media, tools):
    sound = np.concatenate([tools.click(8_000, 2_000), tools.click(8_000, 2_000)])
    path = media("call.mkv", frames_s=TEN_A_SECOND[:20], sound=sound, rate_hz=8_000)
    parties = (PartySource("customer", path, channel=0), PartySource("other", path, channel=1))
    both = SessionPlan("s", START, parties, agent_purpose="synthetic")
    assert not any(isinstance(m, VideoFrame) for m in messages(both))
    alone = SessionPlan("s", START, parties[:1])
    assert any(isinstance(m, VideoFrame) for m in messages(alone))


def test_the_agent_is_refused_without_a_permitted_purpose(call):
    for purpose in (None, "curiosity"):
        plan = SessionPlan("s", START, call.parties, agent_purpose=purpose)
        with pytest.raises(PolicyError, match="agent"):
            messages(plan)
    customer = SessionPlan("s", START, call.parties[:1])
    assert {m.party for m in messages(customer)} == {"customer"}


@pytest.mark.parametrize(
    ("parties", "says"),
    [
        ((), "at least one party"),
        ((PartySource("customer"),), "neither picture, sound nor transcript"),
        ((PartySource("customer"), PartySource("customer")), "named once"),
    ],
)
def test_an_empty_or_double_party_is_refused(parties, says):
    with pytest.raises(InputError, match=says):
        messages(SessionPlan("s", START, parties))


def test_an_impossible_session_id_is_refused_before_anything_is_read(call):
    with pytest.raises(InputError, match="a session id has"):
        messages(SessionPlan("../call", START, call.parties, agent_purpose="synthetic"))


def test_channels_are_asked_for_and_checked(media, tools):
    path = media("a.wav", sound=tools.click(8_000, 500), rate_hz=8_000)
    with pytest.raises(InputError, match="several parties share"):
        parties = (PartySource("customer", path), PartySource("other", path))
        messages(SessionPlan("s", START, parties, agent_purpose="synthetic"))
    with pytest.raises(InputError, match="no audio channel 1"):
        messages(SessionPlan("s", START, (PartySource("customer", path, channel=1),)))


def test_words_alone_make_a_session_that_ends_with_them(tmp_path):
    path = tmp_path / "a.vtt"
    path.write_text(VTT)
    found = list(messages(SessionPlan("s", START, (PartySource("customer", transcript=path),))))
    assert [(m.start_ms - START, m.end_ms - START) for m in found][-2:] == [(2400, 3100), (3100, 3100)]
    assert isinstance(found[-1], EndOfStream)


def test_numbers_are_taken_out_of_the_words_before_a_message_is_made_and_out_of_the_context(tmp_path):
    path = tmp_path / "call.vtt"
    path.write_text(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Customer>my card is 4111 1111 1111 1111\n\n"
        "00:03.000 --> 00:04.000\n<v Customer>jane dot doe at example dot com\n"
    )
    plan = SessionPlan("s", START, (PartySource("customer", transcript=path),))
    said = [m for m in messages(plan) if isinstance(m, Transcript) and m.text]
    assert [m.text for m in said] == ["my card is [card]", "[email]"]
    assert said[1].context == ("my card is [card]",)
    kept = [m.text for m in messages(replace(plan, redact=False)) if isinstance(m, Transcript) and m.text]
    assert "4111 1111 1111 1111" in kept[0]


def test_a_very_long_utterance_is_sent_before_the_silence_looks_like_a_stall(media, tools, tmp_path):
    path = tmp_path / "a.vtt"
    path.write_text("WEBVTT\n\n00:01.000 --> 00:19.000\nlong\n")
    sound = media("a.wav", sound=tools.click(8_000, 20_000), rate_hz=8_000)
    found = list(messages(SessionPlan("s", START, (PartySource("customer", sound, path),))))
    at = next(i for i, m in enumerate(found) if isinstance(m, Transcript) and m.text)
    assert found[at - 1].end_ms - START <= 1000 + WAIT_MS < found[at + 1].end_ms - START
    assert [due_ms(m) for m in found] == sorted(due_ms(m) for m in found)


def test_damage_is_counted_and_the_rest_is_played(media, tools, tmp_path):
    whole = media("a.flac", sound=np.tile(np.arange(-500, 500, dtype=np.int16), (1, 64))).read_bytes()
    path = tmp_path / "cut.flac"
    path.write_bytes(whole[: len(whole) // 2])
    damage = Counter()
    found = list(messages(SessionPlan("s", START, (PartySource("customer", path),)), damage))
    assert isinstance(found[0], AudioChunk) and isinstance(found[-1], EndOfStream)
    assert damage[path] > 0


def test_memory_does_not_grow_with_the_length_of_the_session(media, tools):
    path = media("a.flac", sound=tools.click(8_000, 120_000), rate_hz=8_000)
    stream = messages(SessionPlan("s", START, (PartySource("customer", path),)))
    list(islice(stream, 20))
    tracemalloc.start()
    try:
        assert sum(1 for _ in stream) > 90
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
