"""JSON of Deepgram, as the documentation shows it."""

from support.vendors.call import AGENTS, CUSTOMERS, HOLD, SORRY


def deepgram_words(words, **fields):
    return [
        {"word": w.strip(".").lower(), "punctuated_word": w, "start": start, "end": end, **fields}
        for w, start, end in words
    ]


CHANNELS = {
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
UTTERANCES = {
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
SPEAKERS = {
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
