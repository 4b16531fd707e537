"""Words that come along with a call: what counts, how far time has come, what is late or comes twice."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.gateway.call import Call
from affectstream.producers.gateway.call_plan import CallPlan
from affectstream.producers.gateway.events import Audio, Dropped, Refused, Started, Words
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.speech import LATE_MS, SpeechLane
from affectstream.schemas.messages import AudioChunk, EndOfStream, Transcript

ZERO_MS = 1_700_000_000_000


def final(start_ms, end_ms, text="", party="customer"):
    return Words(party, start_ms, end_ms, text, True)


def partial(start_ms, end_ms, text="wor", party="customer"):
    return Words(party, start_ms, end_ms, text, False)


def taken(*results):
    lane = SpeechLane()
    return [(i.start_ms, i.end_ms, i.watermark_ms, i.text) for each in results for i in lane.take(each)], lane


RESULTS = {
    "a final counts": ([final(0, 900, "One.")], [(0, 900, 900, "One.")], {}),
    "silence before": ([final(400, 900, "One.")], [(0, 400, 400, ""), (400, 900, 900, "One.")], {}),
    "a partial moves time, once": ([partial(400, 600), partial(400, 800)], [(0, 400, 400, "")], {}),
    "a final that begins before its partial said": (
        [partial(400, 800), final(300, 900, "One.")],
        [(0, 400, 400, ""), (400, 900, 900, "One.")],
        {},
    ),
    "a final without text is silence": ([final(0, 2000)], [(0, 2000, 2000, "")], {}),
    "twice": ([final(0, 900, "One.")] * 2, [(0, 900, 900, "One.")], {"repeated_words": 1}),
    "late": ([final(0, 2000), final(500, 1500, "One.")], [(0, 2000, 2000, "")], {"late_words": 1}),
    "an overlap is cut": (
        [final(0, 900, "One."), final(700, 1500, "Two.")],
        [(0, 900, 900, "One."), (900, 1500, 1500, "Two.")],
        {},
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_finals_count_and_partials_move_time(name):
    results, intervals, dropped = RESULTS[name]
    found, lane = taken(*results)
    assert found == intervals
    assert dict(lane.dropped) == dropped


def test_two_turns_before_are_context_whoever_said_them():
    lane = SpeechLane()
    turns = [final(0, 1000, "One."), final(1000, 2000, "Two.", "agent"), final(2000, 3000, "Three.")]
    found = [i for each in turns for i in lane.take(each) if i.text]
    assert [i.context for i in found] == [(), ("One.",), ("One.", "Two.")]


def test_what_identifies_is_taken_out_unless_the_setting_says_otherwise():
    said = final(0, 1000, "My card is 4111 1111 1111 1111.")
    (redacted,) = SpeechLane().take(said)
    assert "4111" not in redacted.text
    assert next(SpeechLane(redact=False).take(said)).text == said.text


@given(
    st.lists(
        st.tuples(st.integers(0, 60_000), st.integers(0, 5_000), st.booleans(), st.sampled_from(["", "w"])),
        max_size=30,
    )
)
def test_no_words_begin_before_what_is_settled_and_nothing_is_left_uncovered(results):
    lane, reached = SpeechLane(), 0
    for start_ms, length_ms, is_final, text in results:
        for each in lane.take(Words("customer", start_ms, start_ms + length_ms, text, is_final)):
            assert each.start_ms == reached
            assert each.watermark_ms >= each.start_ms
            reached = each.end_ms
    assert reached == lane.settled_ms("customer")


def call(**plan):
    return Call(CallPlan("call-1", ZERO_MS, **{"parties": ("customer",), "words": ("customer",), **plan}))


def sound(at_ms, party="customer"):
    return Audio(party, 8_000, bytes(16_000), at_ms)


def test_words_are_transcripts_of_their_party_in_event_time():
    each = call()
    (message,) = each.messages(Words("customer", 0, 900, "Hello.", True, "en"))
    assert isinstance(message, Transcript)
    assert (message.start_ms, message.end_ms, message.watermark_ms) == (ZERO_MS, ZERO_MS + 900, ZERO_MS + 900)
    assert (message.seq, message.text, message.language) == (0, "Hello.", "en")
    assert message.expects == ("audio", "text")
    assert [m.modality for m in each.finish() if isinstance(m, EndOfStream)] == ["audio", "text"]


def test_a_party_about_which_nothing_comes_is_silent_some_time_behind_the_sound():
    each = call()
    seconds = 2 + LATE_MS // 1000
    found = [m for n in range(seconds) for m in each.messages(sound(n * 1000))]
    silent = [m for m in found if isinstance(m, Transcript)]
    assert {m.text for m in silent} == {""}
    assert silent[-1].watermark_ms == ZERO_MS + seconds * 1000 - LATE_MS


def test_an_utterance_that_is_under_way_is_waited_for():
    each = call()
    list(each.messages(partial(1000, 2000)))
    found = [m for n in range(20) for m in each.messages(sound(n * 1000)) if isinstance(m, Transcript)]
    assert found == []
    (words,) = each.messages(final(1000, 15_000, "All of it."))
    assert words.start_ms == ZERO_MS + 1000


def test_words_of_an_agent_who_is_not_permitted_are_dropped_unread():
    each = call(words=("customer", "agent"))
    assert list(each.messages(final(0, 900, "Hello.", "agent"))) == []
    assert each.dropped["not_permitted"] == 1


def test_words_in_a_pause_are_marked_and_empty():
    from affectstream.producers.gateway.events import Paused

    each = call()
    list(each.messages(Paused()))
    marked = list(each.messages(final(0, 900, "My number is")))
    assert [(m.text, m.context, m.withheld) for m in marked] == [("", (), "paused")]


def test_sound_whose_words_come_along_is_not_for_the_recogniser_and_other_sound_is():
    each = call(parties=("customer", "other"), transcribe=True, agent_purpose="synthetic")
    found = [m for n in range(3) for p in ("customer", "other") for m in each.messages(sound(n * 1000, p))]
    chunks = [m for m in found if isinstance(m, AudioChunk)]
    assert {(m.party, m.transcribe, m.expects) for m in chunks} == {
        ("customer", False, ("audio", "text")),
        ("other", True, ("audio", "text")),
    }
    ends = [(m.party, m.modality) for m in each.finish() if isinstance(m, EndOfStream)]
    assert sorted(ends) == [("customer", "audio"), ("customer", "text"), ("other", "audio")]


START = json.dumps(
    {
        "type": "start",
        "call_id": "7",
        "tracks": [
            {"party": "customer", "encoding": "s16le", "rate_hz": 8000},
            {"party": "customer", "encoding": "words"},
        ],
    }
)
RESULT = {"type": "words", "track": 1, "start_ms": 0, "end_ms": 900, "text": "Hello.", "final": True}


def answered(message):
    stream = Plain()
    assert stream.receive(START) == [Started("7", ("customer",), words=("customer",))]
    return stream.receive(message)


def test_the_documented_result():
    assert answered(json.dumps(RESULT)) == [final(0, 900, "Hello.")]
    assert answered(json.dumps(RESULT | {"final": False, "language": "en"})) == [
        Words("customer", 0, 900, "Hello.", False, "en")
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"track": 0}, "bad_track"),
        ({"track": 9}, "bad_track"),
        ({"track": None}, "bad_track"),
        ({"start_ms": 901}, "bad_times"),
        ({"start_ms": "x"}, "bad_times"),
        ({"end_ms": None}, "bad_times"),
        ({"text": None}, "bad_text"),
        ({"text": "a" * 8001}, "bad_text"),
    ],
)
def test_a_result_that_is_none_is_left_out(change, reason):
    assert answered(json.dumps(RESULT | change)) == [Dropped(reason)]


def test_a_time_that_no_call_reaches_ends_the_stream():
    assert answered(json.dumps(RESULT | {"end_ms": 1 << 50})) == [Refused("time_leaps")]


def test_a_binary_frame_of_words_is_left_out():
    assert answered(bytes([1]) + bytes(8) + b"words") == [Dropped("bad_frame")]
