"""JSON of AssemblyAI, as the documentation shows it."""

from support.vendors.call import AGENTS, CUSTOMERS, HOLD, SORRY


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


WORDS = {
    "id": "1",
    "status": "completed",
    "language_code": "en_us",
    "utterances": None,
    "words": [
        {"text": w, "start": round(start * 1000), "end": round(end * 1000), "speaker": None}
        for w, start, end in (*CUSTOMERS, *AGENTS)
    ],
}
