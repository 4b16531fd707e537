"""What is mutated: the golden bytes, and examples of the tests as whole conversations and files."""

import json
import runpy
from collections.abc import Sequence
from functools import cache
from typing import Any

from soak.mutation import SEPARATOR
from support import audiohook as client
from support.paths import ROOT

from affectstream.producers.gateway.audiosocket import UUID, frame


@cache
def golden(names: str = "*") -> list[bytes]:
    found = sorted((ROOT / "tests" / "golden").glob(f"{names}.hex"))
    return [bytes.fromhex(path.read_text()) for path in found]


def observed() -> list[bytes]:
    return golden("observations*")


def _texts(*messages: str | bytes) -> bytes:
    return SEPARATOR.join(b"T" + m.encode() if isinstance(m, str) else b"B" + m for m in messages)


@cache
def _examples(test: str) -> dict[str, Any]:
    """Return what a test module names: its examples are seeds."""
    return runpy.run_path(str(ROOT / "tests" / "unit" / "producers" / test))


def twilio() -> list[bytes]:
    found = _examples("gateway/test_twilio.py")
    return [_texts(*found["GOLDEN"]), _texts(*found["LOOK_ALIKE"])]


def plain() -> list[bytes]:
    start = json.dumps(_examples("gateway/test_plain.py")["START"])
    sound = [bytes((0,)) + (20 * n).to_bytes(8, "big") + b"\1\2" * 320 for n in range(60)]
    picture = bytes((1,)) + (500).to_bytes(8, "big") + b"\xff\xd8 picture \xff\xd9"
    words = {"type": "words", "track": 2, "start_ms": 0, "end_ms": 400, "text": "hello", "final": True}
    named = [{"party": "customer", "encoding": e, "rate_hz": 16_000} for e in ("s16le", "jpeg", "words")]
    own = json.dumps({"type": "start", "call_id": "c", "tracks": named})
    steps = [json.dumps({"type": kind}) for kind in ("pause", "resume", "stop")]
    consent = json.dumps({"type": "consent", "consent": "granted"})
    return [
        _texts(start, *sound, *steps),
        _texts(own, consent, picture, json.dumps(words), *sound[:3], *steps),
    ]


def audiohook() -> list[bytes]:
    """Two streams of 0.8 s of sound: one that is only heard, one with every kind of message."""
    sound = [b"\xff" * 1600] * 8
    kinds = (
        ("ping", "PT0.8S", {}),
        ("update", "PT0.8S", {"language": "en-US"}),
        ("paused", "PT0.8S", {}),
        ("resumed", "PT1.8S", {"start": "PT0.8S", "discarded": "PT1S"}),
        ("discarded", "PT2S", {"start": "PT1.8S", "discarded": "PT0.2S"}),
        ("error", "PT2S", {"code": 400, "message": "x"}),
    )
    return [_hooked(sound, (), "PT0.8S"), _hooked(sound, kinds, "PT2S")]


def _hooked(sound: Sequence[bytes], kinds: Sequence[tuple[str, str, Any]], end: str) -> bytes:
    one = client.Client()
    opened = json.dumps(one.message("open", **one.opening))
    steps = [json.dumps(one.message(kind, at, **parameters)) for kind, at, parameters in kinds]
    return _texts(opened, *sound, *steps, json.dumps(one.message("close", end, reason="end")))


def audiosocket() -> list[bytes]:
    named, sound = frame(UUID, bytes(range(16))), [frame(0x10, b"\1\2" * 160)] * 40
    return [_texts(named + b"".join(sound), frame(0)), _texts(named, *sound, frame(0xFF, b"\1"))]


def transcript() -> list[bytes]:
    own, vendors = _examples("test_transcripts.py"), _examples("test_vendors.py")
    wrong = _examples("test_transcripts_gone_wrong.py")
    documents = [json.dumps(document).encode() for document, _ in vendors["CASES"].values()]
    whisper = {"segments": [{"start": 0.0, "end": 1.5, "text": "Hello", "speaker": "A"}], "language": "en"}
    texts = [
        own["VTT"],
        own["SRT"],
        wrong["ROLLING"],
        "start\tend\ttext\n0\t900\tHello\n",
        json.dumps(whisper),
    ]
    return [*documents, *(text.encode() for text in texts)]
