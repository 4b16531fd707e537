"""JSON of Amazon: Contact Lens, Transcribe Call Analytics and Transcribe, as the documentation shows it."""

from support.vendors.call import AGENTS, CUSTOMERS, HOLD, SORRY

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
