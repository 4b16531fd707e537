"""JSON of Google Speech-to-Text 1 and 2, as the documentation shows it."""

from support.vendors.call import AGENTS, CUSTOMERS, HOLD, SORRY


def google_words(words, **fields):
    return [
        {"startTime": f"{start:.3f}s", "endTime": f"{end:.3f}s", "word": w, **fields}
        for w, start, end in words
    ]


def google(results, **fields):
    return {"results": [{"alternatives": [alternative], **extra} for alternative, extra in results], **fields}


CHANNELS = google(
    [
        ({"transcript": HOLD, "words": google_words(CUSTOMERS)}, {"channelTag": 1, "languageCode": "en-us"}),
        ({"transcript": SORRY, "words": google_words(AGENTS)}, {"channelTag": 2, "languageCode": "en-us"}),
    ]
)
SPEAKERS = google(
    [
        ({"transcript": HOLD, "words": google_words(CUSTOMERS)}, {}),
        ({"transcript": SORRY, "words": google_words(AGENTS)}, {}),
        ({"words": [*google_words(CUSTOMERS, speakerTag=1), *google_words(AGENTS, speakerTag=2)]}, {}),
    ]
)
VERSION_2 = google(
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
BATCH = {"results": {"gs://calls/call.wav": {"inlineResult": {"transcript": VERSION_2}, "metadata": {}}}}
MESSAGES = {
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
