"""Transcripts as files beside a recording of eight seconds."""

import json

GLAD, ANGRY = "Thank you so much, that is wonderful.", "This is an outrage, I am furious!"
LENGTH_MS = 8_000


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def srt(*cues):
    return "\n".join(f"{n}\n{times}\n{text}\n" for n, (times, text) in enumerate(cues, 1))
