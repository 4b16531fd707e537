"""JSON of cloud services, as their documentation shows it: what is read, by whom, in which language."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vendors import amazon, assemblyai, azure, deepgram, google
from support.vendors.call import HOLD, SORRY

from affectstream.producers.transcripts import Utterance, load
from affectstream.producers.turns import turns
from affectstream.schemas.errors import InputError


def said(customer, agent, language=None):
    """The call of all examples: a complaint from 4.9 to 6.9 s, an answer from 8.5 to 9.2 s."""
    return (
        Utterance(4900, 6900, customer, HOLD, language=language),
        Utterance(8500, 9200, agent, SORRY, language=language),
    )


CASES = {
    "Contact Lens": (amazon.CONTACT_LENS, said("CUSTOMER", "AGENT", "en-US")),
    "Contact Lens, real time": (amazon.REAL_TIME_LENS, said("CUSTOMER", "AGENT")),
    "Transcribe Call Analytics": (amazon.CALL_ANALYTICS, said("CUSTOMER", "AGENT", "en-GB")),
    "Transcribe by speakers": (amazon.TRANSCRIBE_SPEAKERS, said("spk_0", "spk_1", "en-US")),
    "Transcribe by speakers, before 2024": (amazon.TRANSCRIBE_OLD, said("spk_0", "spk_1")),
    "Transcribe by channels": (amazon.TRANSCRIBE_CHANNELS, said("ch_0", "ch_1")),
    "Deepgram by channels": (deepgram.CHANNELS, said("channel 0", "channel 1", "en")),
    "Deepgram by channels and speakers": (deepgram.UTTERANCES, said("channel 0", "channel 1")),
    "Deepgram by speakers": (deepgram.SPEAKERS, said("speaker 0", "speaker 1")),
    "AssemblyAI by channels": (assemblyai.assembly(True), said("channel 1", "channel 2", "en_us")),
    "AssemblyAI by speakers": (assemblyai.assembly(False), said("A", "B", "en_us")),
    "AssemblyAI without": (assemblyai.WORDS, said(None, None, "en_us")),
    "Google 1 by channels": (google.CHANNELS, said("channel 1", "channel 2", "en-us")),
    "Google 1 by speakers": (google.SPEAKERS, said("speaker 1", "speaker 2")),
    "Google 2 by speakers": (google.VERSION_2, said("speaker 1", "speaker 2", "en-US")),
    "Google 2, a batch": (google.BATCH, said("speaker 1", "speaker 2", "en-US")),
    "Google's operation, as messages": (google.MESSAGES, said("speaker 1", "speaker 2")),
    "Azure batch by channels": (azure.BATCH, said("channel 0", "channel 1")),
    "Azure fast by speakers": (azure.FAST, said("speaker 1", "speaker 2", "en-US")),
    "Azure fast, the first version, by channels": (azure.PREVIEW, said("channel 0", "channel 1", "en-US")),
    "Azure fast, by its library": (azure.SDK, said("speaker 1", "speaker 2", "en-US")),
    "Azure conversations": (azure.LIVE, said("speaker 1", "speaker 2")),
}


def written(tmp_path, document):
    path = tmp_path / "call.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("name", CASES)
def test_what_was_said_by_whom_and_when(tmp_path, name):
    document, expected = CASES[name]
    assert load(written(tmp_path, document), until_ms=20_000) == expected


@pytest.mark.parametrize("name", [name for name in CASES if name != "AssemblyAI without"])
def test_speakers_become_parties_by_role_or_by_the_option_and_are_asked_about_otherwise(tmp_path, name):
    document, expected = CASES[name]
    path = written(tmp_path, document)
    customer, agent = (utterance.speaker for utterance in expected)
    parties = ["customer", "agent"]
    if customer == "CUSTOMER":
        assert [turn.party for turn in turns(path, expected, parties, {}, 0)] == parties
        return
    with pytest.raises(InputError, match="which party is who") as caught:
        turns(path, expected, parties, {"speaker 9": "customer"}, 0)
    assert customer in str(caught.value)
    assert agent in str(caught.value)
    mapped = {customer: "customer", agent: "agent"}
    assert [turn.party for turn in turns(path, expected, parties, mapped, 0)] == parties


def test_a_result_of_google_without_words_begins_where_the_one_before_it_ended(tmp_path):
    results = [
        ({"transcript": "one"}, {"resultEndTime": "2.5s"}),
        ({"transcript": "two"}, {"resultEndTime": "4s"}),
    ]
    found = load(written(tmp_path, google.google(results)))
    assert [(u.start_ms, u.end_ms, u.text) for u in found] == [(0, 2500, "one"), (2500, 4000, "two")]


def test_a_partial_result_of_google_is_left_out(tmp_path):
    results = [
        ({"words": google.google_words([("One", 0.0, 0.5)])}, {"isFinal": True}),
        ({"words": google.google_words([("Onetwo", 0.0, 0.5)])}, {"isFinal": False}),
    ]
    assert [u.text for u in load(written(tmp_path, google.google(results)))] == ["One"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (amazon.CONTACT_LENS | {"JobStatus": "FAILED"}, "not completed; its status is FAILED"),
        (
            {"jobName": "j", "status": "IN_PROGRESS", "results": {}},
            "not completed; its status is IN_PROGRESS",
        ),
        (assemblyai.assembly(True) | {"status": "error"}, "not completed; its status is error"),
        ({"Channel": "CHAT", "Transcript": [{"Content": "hi", "AbsoluteTime": "x"}]}, "a chat"),
    ],
)
def test_what_is_not_finished_or_was_not_spoken_is_refused(tmp_path, document, says):
    with pytest.raises(InputError, match=says) as caught:
        load(written(tmp_path, document))
    assert HOLD not in str(caught.value)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**18) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(data=st.data(), name=st.sampled_from(sorted(CASES)))
def test_a_document_with_any_part_replaced_is_read_or_refused_by_one_line(tmp_path_factory, data, name):
    document = json.loads(json.dumps(CASES[name][0]))
    place = document
    while isinstance(place, dict | list) and place:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()):
            place[key] = data.draw(ODD)
            break
        place = place[key]
    path = written(tmp_path_factory.mktemp("odd"), document)
    try:
        load(path)
    except InputError as error:
        assert "\n" not in str(error)
