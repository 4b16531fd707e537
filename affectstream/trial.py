"""A process that tries the models on what is uploaded: `python -m affectstream.trial`, started by the API.

It reads requests from its standard input and writes answers to its standard output, each a MessagePack map
after its length. Nothing that it is given is kept or logged.
"""

import os
import struct
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgpack

from affectstream.extras import remedy, require
from affectstream.runtime.process import confine
from affectstream.schemas.conflict import WORDS
from affectstream.schemas.errors import AffectError, InputError, ModelError, SettingsError, Unavailable
from affectstream.schemas.labels import EMOTIONS, top
from affectstream.schemas.messages import (
    MODALITIES,
    EndOfStream,
    FusedEmotion,
    Modality,
    Observation,
    Probabilities,
    Transcript,
    VideoFrame,
)

LONGEST_MS = 120_000  # of a recording
LONGEST_TEXT = 2_000  # characters
MOST_PIXELS = 64_000_000  # of a picture, whose pixels take 192 MB until it is scaled down
BATCH = 64
MEMORY_BYTES = 3 << 30  # of its own: the models take 1.2 GB, the largest pictures of a film as much again
FILE_BYTES = 512 << 20  # the model of languages is unpacked to a file
LENGTH = struct.Struct(">I")
OWN: dict[str, Any] = {"session_id": "trial", "party": "customer", "seq": 0, "start_ms": 0, "end_ms": 1000}

Json = dict[str, Any]


def main() -> None:
    """Answer requests until the input ends."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    os.nice(10)
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(
        MOST_PIXELS
    )  # before cv2 is imported; frames have a limit of their own
    confine(MEMORY_BYTES, FILE_BYTES)
    while (request := read(requests)) is not None:
        write(answers, answered(request))


def read(stream: BinaryIO) -> Json | None:
    """Return the next map, None at the end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    found: Json = msgpack.unpackb(stream.read(LENGTH.unpack(head)[0]))
    return found


def write(stream: BinaryIO, answer: Json) -> None:
    """Write a map."""
    packed = msgpack.packb(answer)
    stream.write(LENGTH.pack(len(packed)) + packed)
    stream.flush()


def answered(request: Json) -> Json:
    """Return what the models make of a request, or its `status` and `detail` where that fails."""
    try:
        require("trial", ("inference", "capture", "fusion"))
        return answer(request["kind"], request["data"], request.get("text", ""))
    except (ModelError, SettingsError, Unavailable) as error:
        return {"status": 503, "detail": str(error)}
    except AffectError as error:
        return {"status": 422, "detail": str(error).replace(tempfile.gettempdir(), "")}
    except ModuleNotFoundError as error:
        return {"status": 503, "detail": remedy(error.name) or f"{error.name} is not installed"}
    except Exception as error:  # of a decoder, on what nobody has seen before
        return {"status": 422, "detail": f"the upload cannot be read ({type(error).__name__})"}


def answer(kind: str, data: bytes, text: str) -> Json:
    """Return the probabilities of an upload per modality and fused; raises InputError."""
    if kind == "text":
        return _judged(kind, _sentence(text))
    if kind == "face":
        return _judged(kind, _picture(data, text))
    if not data or data[:512].isascii():
        raise InputError("the upload is no recording of sound or pictures")
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        return _judged(kind, _recording(Path(folder), data, text), only="audio" if kind == "voice" else None)


def _sentence(text: str) -> list[Any]:
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise InputError(f"a sentence has 1 to {LONGEST_TEXT} characters")
    return _ended(Transcript(**OWN, watermark_ms=1000, expects=("text",), text=text))


def _picture(data: bytes, caption: str) -> list[Any]:
    """Return the messages of a picture, and of the words with it where there are any."""
    from affectstream.models.face import jpeg

    expects: tuple[Modality, ...] = ("video", "text") if caption.strip() else ("video",)
    picture = VideoFrame(**OWN, watermark_ms=1000, expects=expects, jpeg=jpeg.fitted(data, MOST_PIXELS))
    said = _sentence(caption) if caption.strip() else []
    return _ended(picture) + [each.model_copy(update={"expects": expects}) for each in said]


def _ended(message: Any) -> list[Any]:
    end = OWN | {"seq": 1, "start_ms": 1000, "modality": message.modality}
    return [message, EndOfStream(**end, watermark_ms=1000, expects=message.expects)]


def _recording(folder: Path, data: bytes, text: str) -> Iterable[Any]:
    """Return the messages of an uploaded recording, with the words where they are given."""
    from affectstream.producers.session import estimated_ms, messages
    from affectstream.runtime.settings import load
    from affectstream.session_file import SessionArguments, plan

    file, words = folder / "upload.media", None
    file.write_bytes(data)
    if text.strip():
        words = folder / "words.vtt"
        words.write_text(f"WEBVTT\n\n00:00.000 --> 00:05.000\n<v Customer>{' '.join(text.split())}\n")
    settings = load()
    session = plan(SessionArguments([file], transcript=words), settings.producer, 0, None)
    if estimated_ms(session) > LONGEST_MS:
        longest_s = LONGEST_MS // 1000
        raise InputError(f"the recording is longer than {longest_s} s; `affectstream analyze` reads it")
    return messages(session)


def _judged(kind: str, stream: Iterable[Any], only: Modality | None = None) -> Json:
    from affectstream.runtime.settings import load
    from affectstream.workers.fusion.offline import offline_join

    observations = list(_observed(iter(stream), only))
    join = offline_join(load().fusion)
    panes = join.push(*observations) + join.finish()
    finals = [pane for pane in panes if pane.pane == "final"]
    if not finals:
        raise InputError("the recording is too short: it holds no window")
    return summary(kind, finals, observations)


def _observed(stream: Iterator[Any], only: Modality | None) -> Iterator[Observation]:
    from affectstream.workers.observe import observe

    while batch := list(islice(stream, BATCH)):
        for modality in MODALITIES if only is None else (only,):
            own = [_expecting(message, only) for message in batch if message.modality == modality]
            if own:
                yield from (outcome.observation for outcome in observe(_analyst(modality), own))


def _expecting(message: Any, only: Modality | None) -> Any:
    return message if only is None else message.model_copy(update={"expects": (only,)})


@cache
def _analyst(modality: Modality) -> Any:
    from affectstream.analyze import loaded
    from affectstream.runtime.settings import load

    return loaded(modality, load())


def summary(kind: str, finals: Sequence[FusedEmotion], observations: Sequence[Observation]) -> Json:
    """Return the means over the windows of a recording, and a sentence that says what they are based on."""
    from affectstream.analytics.changes import mean, mean_of

    modalities: dict[Modality, Json] = {}
    known = [final for final in finals if final.p is not None] or finals
    for modality in dict.fromkeys(s.modality for final in finals for s in final.modalities):
        states = [s for final in finals for s in final.modalities if s.modality == modality]
        p = mean([state.p for state in states if state.p is not None])
        reasons = [state.reason or state.state for state in states if state.p is None]
        modalities[modality] = {
            "probabilities": _named(p),
            "label": None if p is None else top(p),
            "weight": round(sum(state.weight for state in states) / len(known), 4),
            "reason": str(max(set(reasons), key=reasons.count)) if p is None else None,
        }
    p = mean_of(finals)
    return {
        "kind": kind,
        "windows": len(finals),
        "modalities": modalities,
        "probabilities": _named(p),
        "label": None if p is None else top(p),
        "confidence": round(sum(final.confidence for final in known) / len(known), 4),
        "disagreement": round(sum(final.disagreement for final in known) / len(known), 4),
        "sentence": _sentence_of(p, modalities),
        "face": _face(observations),
        "models": sorted({s.model_id for final in finals for s in final.modalities if s.model_id}),
    }


def _sentence_of(p: Sequence[float] | None, modalities: dict[Modality, Json]) -> str:
    """Return "cues consistent with angry 0.61: voice angry (weight 0.60), words neutral (weight 0.40)"."""
    parts = [
        f"{WORDS[name]} {each['label']} (weight {each['weight']:.2f})"
        if each["label"]
        else f"{WORDS[name]} nothing to read ({each['reason']})"
        for name, each in modalities.items()
    ]
    head = "no cues to read" if p is None else f"cues consistent with {top(p)} {max(p):.2f}"
    return f"{head}: {', '.join(parts)}"


def _face(observations: Sequence[Observation]) -> Json | None:
    """Return the box of the largest face of the first picture that has one, as shares of the picture."""
    faces = (o.faces[0] for o in observations if isinstance(o, Probabilities) and o.faces)
    first = next(faces, None)
    if first is None:
        return None
    return dict(zip(("left", "top", "width", "height"), first.box, strict=True))


def _named(p: Sequence[float] | None) -> Json | None:
    return None if p is None else {name: round(v, 4) for name, v in zip(EMOTIONS, p, strict=True)}


if __name__ == "__main__":
    main()
