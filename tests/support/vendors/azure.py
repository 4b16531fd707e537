"""JSON of Azure: batch, fast and live, as the documentation shows it."""

from support.vendors.call import HOLD, SORRY

BATCH = {
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
FAST = {
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
PREVIEW = {  # version 2024-05-15-preview
    "duration": 10000,
    "combinedPhrases": [{"channel": 0, "text": HOLD}, {"channel": 1, "text": SORRY}],
    "phrases": [
        {"channel": 0, "offset": 4900, "duration": 2000, "text": HOLD, "locale": "en-US"},
        {"channel": 1, "offset": 8500, "duration": 700, "text": SORRY, "locale": "en-US"},
    ],
}
SDK = {  # as the library for JavaScript names the fields
    "durationInMs": 10000,
    "combinedPhrases": [{"text": f"{HOLD} {SORRY}"}],
    "phrases": [
        {"speaker": 1, "offsetInMs": 4900, "durationInMs": 2000, "text": HOLD, "locale": "en-US"},
        {"speaker": 2, "offsetInMs": 8500, "durationInMs": 700, "text": SORRY, "locale": "en-US"},
    ],
}
LIVE = [
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
