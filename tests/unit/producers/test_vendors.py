"""JSON of cloud services, as their documentation shows it: what is read, by whom, in which language."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.producers.transcripts import Utterance, load
from affectstream.producers.turns import turns
from affectstream.schemas.errors import InputError

HOLD, SORRY = "I've been on hold for an hour.", "Sorry about that."


def said(customer, agent, language=None):
    """The call of all examples: a complaint from 4.9 to 6.9 s, an answer from 8.5 to 9.2 s."""
    return (
        Utterance(4900, 6900, customer, HOLD, language=language),
        Utterance(8500, 9200, agent, SORRY, language=language),
    )


CONTACT_LENS = {
    "Version": "1.1.0",
    "AccountId": "0",
    "Channel": "VOICE",
    "JobStatus": "COMPLETED",
    "LanguageCode": "en-US",
    "Participants": [
        {"ParticipantId": "a1", "ParticipantRole": "AGENT"},
        {"ParticipantId": "c1", "ParticipantRole": "CUSTOMER"},
    ],
    "Categories": {"MatchedCategories": []},
    "Transcript": [
        {
            "BeginOffsetMillis": 4900,
            "EndOffsetMillis": 6900,
            "Id": "1",
            "ParticipantId": "c1",
            "Content": HOLD,
            "Sentiment": "NEGATIVE",
            "LoudnessScore": [66.5, 70.1],
        },
        {
            "BeginOffsetMillis": 8500,
            "EndOffsetMillis": 9200,
            "Id": "2",
            "ParticipantId": "a1",
            "Content": SORRY,
        },
    ],
}
REAL_TIME_LENS = {
    "Segments": [
        {
            "Transcript": {
                "Id": "1",
                "ParticipantId": "CUSTOMER",
                "ParticipantRole": "CUSTOMER",
                "Content": HOLD,
                "BeginOffsetMillis": 4900,
                "EndOffsetMillis": 6900,
            }
        },
        {"Categories": {"MatchedCategories": ["Complaint"]}},
        {
            "Transcript": {
                "Id": "2",
                "ParticipantId": "AGENT",
                "ParticipantRole": "AGENT",
                "Content": SORRY,
                "BeginOffsetMillis": 8500,
                "EndOffsetMillis": 9200,
            }
        },
    ]
}
CALL_ANALYTICS = {
    "JobStatus": "COMPLETED",
    "LanguageCode": "en-GB",
    "Participants": [{"ParticipantRole": "AGENT"}, {"ParticipantRole": "CUSTOMER"}],
    "Transcript": [
        {
            "LoudnessScores": [78.6, None],
            "Content": HOLD,
            "Items": [{"Content": "I've", "Type": "pronunciation", "BeginOffsetMillis": 4900}],
            "BeginOffsetMillis": 4900,
            "EndOffsetMillis": 6900,
            "ParticipantRole": "CUSTOMER",
        },
        {"Content": SORRY, "BeginOffsetMillis": 8500, "EndOffsetMillis": 9200, "ParticipantRole": "AGENT"},
    ],
}


def spaced(text, start_ms, end_ms):
    """The words of a sentence with times that share its span."""
    words = text.split()
    step = (end_ms - start_ms) / len(words)
    return [
        (word, (start_ms + n * step) / 1000, (start_ms + (n + 1) * step) / 1000)
        for n, word in enumerate(words)
    ]


CUSTOMERS, AGENTS = spaced(HOLD, 4900, 6900), spaced(SORRY, 8500, 9200)


def transcribed(label, name, old=False):
    """Items of Amazon Transcribe: words, and the full stop as an item without times."""
    found = []
    for word, start, end in CUSTOMERS if name.endswith("0") else AGENTS:
        times = {"start_time": f"{start:.2f}", "end_time": f"{end:.2f}"}
        labelled = {} if old else {label: name}
        content = [{"confidence": "1.0", "content": word.rstrip(".")}]
        found.append({**labelled, **times, "alternatives": content, "type": "pronunciation"})
        if word.endswith("."):
            found.append({**labelled, "alternatives": [{"content": "."}], "type": "punctuation"})
    return found


BY_SPEAKER = [*transcribed("speaker_label", "spk_0"), *transcribed("speaker_label", "spk_1")]
TRANSCRIBE_SPEAKERS = {
    "jobName": "a-job",
    "status": "COMPLETED",
    "results": {
        "language_code": "en-US",
        "transcripts": [{"transcript": f"{HOLD} {SORRY}"}],
        "speaker_labels": {"speakers": 2, "segments": []},
        "items": BY_SPEAKER,
    },
}
OLD_ITEMS = [
    *transcribed("speaker_label", "spk_0", old=True),
    *transcribed("speaker_label", "spk_1", old=True),
]
TRANSCRIBE_OLD = {
    "jobName": "a-job",
    "results": {
        "speaker_labels": {
            "segments": [
                {
                    "speaker_label": name,
                    "items": [{"start_time": f"{start:.2f}", "speaker_label": name} for _, start, _ in words],
                }
                for name, words in (("spk_0", CUSTOMERS), ("spk_1", AGENTS))
            ]
        },
        "items": OLD_ITEMS,
    },
}
TRANSCRIBE_CHANNELS = {
    "jobName": "a-job",
    "results": {
        "channel_labels": {
            "channels": [
                {"channel_label": "ch_0", "items": transcribed("channel_label", "ch_0")},
                {"channel_label": "ch_1", "items": transcribed("channel_label", "ch_1")},
            ],
            "number_of_channels": 2,
        },
        "items": [],
    },
}


def deepgram_words(words, **fields):
    return [
        {"word": w.strip(".").lower(), "punctuated_word": w, "start": start, "end": end, **fields}
        for w, start, end in words
    ]


DEEPGRAM_CHANNELS = {
    "metadata": {"channels": 2},
    "results": {
        "channels": [
            {
                "detected_language": "en",
                "alternatives": [{"transcript": HOLD, "words": deepgram_words(CUSTOMERS)}],
            },
            {
                "detected_language": "en",
                "alternatives": [{"transcript": SORRY, "words": deepgram_words(AGENTS)}],
            },
        ]
    },
}
DEEPGRAM_UTTERANCES = {
    "metadata": {"channels": 2},
    "results": {
        "channels": [{"alternatives": [{}]}, {"alternatives": [{}]}],
        "utterances": [
            {
                "start": 4.9,
                "end": 6.9,
                "channel": 0,
                "transcript": HOLD,
                "words": [],
                "speaker": 0,
                "id": "x",
            },
            {
                "start": 8.5,
                "end": 9.2,
                "channel": 1,
                "transcript": SORRY,
                "words": [],
                "speaker": 0,
                "id": "y",
            },
        ],
    },
}
DEEPGRAM_SPEAKERS = {
    "metadata": {"channels": 1},
    "results": {
        "channels": [
            {
                "alternatives": [
                    {"words": [*deepgram_words(CUSTOMERS, speaker=0), *deepgram_words(AGENTS, speaker=1)]}
                ]
            }
        ]
    },
}


def assembly(channel):
    who = ({"speaker": "1", "channel": "1"}, {"speaker": "2", "channel": "2"})
    if not channel:
        who = ({"speaker": "A"}, {"speaker": "B"})
    return {
        "id": "1",
        "status": "completed",
        "language_code": "en_us",
        "audio_duration": 10,
        "text": f"{HOLD} {SORRY}",
        "words": [],
        "utterances": [
            {"start": 4900, "end": 6900, "text": HOLD, "words": [], **who[0]},
            {"start": 8500, "end": 9200, "text": SORRY, "words": [], **who[1]},
        ],
    }


ASSEMBLY_WORDS = {
    "id": "1",
    "status": "completed",
    "language_code": "en_us",
    "utterances": None,
    "words": [
        {"text": w, "start": round(start * 1000), "end": round(end * 1000), "speaker": None}
        for w, start, end in (*CUSTOMERS, *AGENTS)
    ],
}


def google_words(words, **fields):
    return [
        {"startTime": f"{start:.3f}s", "endTime": f"{end:.3f}s", "word": w, **fields}
        for w, start, end in words
    ]


def google(results, **fields):
    return {"results": [{"alternatives": [alternative], **extra} for alternative, extra in results], **fields}


GOOGLE_CHANNELS = google(
    [
        ({"transcript": HOLD, "words": google_words(CUSTOMERS)}, {"channelTag": 1, "languageCode": "en-us"}),
        ({"transcript": SORRY, "words": google_words(AGENTS)}, {"channelTag": 2, "languageCode": "en-us"}),
    ]
)
GOOGLE_SPEAKERS = google(
    [
        ({"transcript": HOLD, "words": google_words(CUSTOMERS)}, {}),
        ({"transcript": SORRY, "words": google_words(AGENTS)}, {}),
        ({"words": [*google_words(CUSTOMERS, speakerTag=1), *google_words(AGENTS, speakerTag=2)]}, {}),
    ]
)
GOOGLE_2 = google(
    [
        (
            {
                "transcript": text,
                "words": [
                    {"startOffset": f"{start}s", "endOffset": f"{end}s", "word": w, "speakerLabel": who}
                    for w, start, end in words
                ],
            },
            {"languageCode": "en-US"},
        )
        for text, words, who in ((HOLD, CUSTOMERS, "1"), (SORRY, AGENTS, "2"))
    ]
)
GOOGLE_MESSAGES = {
    "response": {
        "results": [
            {
                "alternatives": [
                    {
                        "words": [
                            {
                                "start_time": {"seconds": str(int(start)), "nanos": round(start % 1 * 1e9)},
                                "end_time": {"seconds": int(end), "nanos": round(end % 1 * 1e9)},
                                "word": w,
                                "speaker_tag": who,
                            }
                            for words, who in ((CUSTOMERS, 1), (AGENTS, 2))
                            for w, start, end in words
                        ]
                    }
                ]
            }
        ]
    }
}
AZURE_BATCH = {
    "source": "https://example.com/call.wav",
    "combinedRecognizedPhrases": [],
    "recognizedPhrases": [
        {
            "recognitionStatus": "Success",
            "channel": 0,
            "offset": "PT4.9S",
            "duration": "PT2S",
            "offsetInTicks": 49000000.0,
            "durationInTicks": 20000000.0,
            "nBest": [
                {"confidence": 0.9, "lexical": "x", "display": HOLD},
                {"display": "I have been on hold."},
            ],
        },
        {"recognitionStatus": "Failure", "channel": 1, "offsetInTicks": 0, "durationInTicks": 0},
        {
            "recognitionStatus": "Success",
            "channel": 1,
            "offset": "PT8.5S",
            "duration": "PT0.7S",
            "nBest": [{"display": SORRY}],
        },
    ],
}
AZURE_FAST = {
    "durationMilliseconds": 10000,
    "combinedPhrases": [{"text": f"{HOLD} {SORRY}"}],
    "phrases": [
        {
            "speaker": 1,
            "offsetMilliseconds": 4900,
            "durationMilliseconds": 2000,
            "text": HOLD,
            "locale": "en-US",
        },
        {
            "speaker": 2,
            "offsetMilliseconds": 8500,
            "durationMilliseconds": 700,
            "text": SORRY,
            "locale": "en-US",
        },
    ],
}
AZURE_LIVE = [
    {
        "Id": "1",
        "RecognitionStatus": "Success",
        "Offset": 49000000,
        "Duration": 20000000,
        "DisplayText": HOLD,
        "SpeakerId": "Guest-1",
    },
    {
        "Id": "2",
        "RecognitionStatus": "Success",
        "Offset": 85000000,
        "Duration": 7000000,
        "DisplayText": SORRY,
        "SpeakerId": "Guest-2",
    },
]

CASES = {
    "Contact Lens": (CONTACT_LENS, said("CUSTOMER", "AGENT", "en-US")),
    "Contact Lens, real time": (REAL_TIME_LENS, said("CUSTOMER", "AGENT")),
    "Transcribe Call Analytics": (CALL_ANALYTICS, said("CUSTOMER", "AGENT", "en-GB")),
    "Transcribe by speakers": (TRANSCRIBE_SPEAKERS, said("spk_0", "spk_1", "en-US")),
    "Transcribe by speakers, before 2024": (TRANSCRIBE_OLD, said("spk_0", "spk_1")),
    "Transcribe by channels": (TRANSCRIBE_CHANNELS, said("ch_0", "ch_1")),
    "Deepgram by channels": (DEEPGRAM_CHANNELS, said("channel 0", "channel 1", "en")),
    "Deepgram by channels and speakers": (DEEPGRAM_UTTERANCES, said("channel 0", "channel 1")),
    "Deepgram by speakers": (DEEPGRAM_SPEAKERS, said("speaker 0", "speaker 1")),
    "AssemblyAI by channels": (assembly(True), said("channel 1", "channel 2", "en_us")),
    "AssemblyAI by speakers": (assembly(False), said("A", "B", "en_us")),
    "AssemblyAI without": (ASSEMBLY_WORDS, said(None, None, "en_us")),
    "Google 1 by channels": (GOOGLE_CHANNELS, said("channel 1", "channel 2", "en-us")),
    "Google 1 by speakers": (GOOGLE_SPEAKERS, said("speaker 1", "speaker 2")),
    "Google 2 by speakers": (GOOGLE_2, said("speaker 1", "speaker 2", "en-US")),
    "Google's operation, as messages": (GOOGLE_MESSAGES, said("speaker 1", "speaker 2")),
    "Azure batch by channels": (AZURE_BATCH, said("channel 0", "channel 1")),
    "Azure fast by speakers": (AZURE_FAST, said("speaker 1", "speaker 2", "en-US")),
    "Azure conversations": (AZURE_LIVE, said("speaker 1", "speaker 2")),
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
    found = load(written(tmp_path, google(results)))
    assert [(u.start_ms, u.end_ms, u.text) for u in found] == [(0, 2500, "one"), (2500, 4000, "two")]


def test_a_partial_result_of_google_is_left_out(tmp_path):
    results = [
        ({"words": google_words([("One", 0.0, 0.5)])}, {"isFinal": True}),
        ({"words": google_words([("Onetwo", 0.0, 0.5)])}, {"isFinal": False}),
    ]
    assert [u.text for u in load(written(tmp_path, google(results)))] == ["One"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (CONTACT_LENS | {"JobStatus": "FAILED"}, "not completed; its status is FAILED"),
        (
            {"jobName": "j", "status": "IN_PROGRESS", "results": {}},
            "not completed; its status is IN_PROGRESS",
        ),
        (assembly(True) | {"status": "error"}, "not completed; its status is error"),
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
