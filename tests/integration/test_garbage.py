"""Garbage on the media topics never stops a worker: it lies in the dead letters, and the session goes on.

The analysts are the shipped ones where their weights are there, else the real ones around a stand-in model.
"""

import cv2
import msgpack
import numpy as np
import pytest
from support.worker_topics import caught_up, letters, observed, send_raw, working

from affectstream.models.face.detect import Detector
from affectstream.models.weights import FOLDER
from affectstream.schemas.codec import encode
from affectstream.schemas.messages import AudioChunk, EndOfStream, Reason, Transcript, VideoFrame
from affectstream.schemas.topics import MEDIA, PARTITIONS
from affectstream.workers import audio, device, text, video

pytestmark = pytest.mark.integration

CARDS = {"video": "face", "audio": "voice", "text": "text"}
TYPES = {"video": VideoFrame, "audio": AudioChunk, "text": Transcript}
GRAY = cv2.imencode(".jpg", np.full((120, 160, 3), 128, np.uint8))[1].tobytes()
EMPTY = {  # content that is sound, and in which there is nothing
    "video": {"jpeg": GRAY},
    "audio": {"pcm": bytes(64_000), "rate_hz": 16_000},
    "text": {"text": ""},
}
NOTHING = {"video": Reason.NO_FACE, "audio": Reason.SILENCE, "text": Reason.NO_SPEECH}
UNDECODABLE = {
    "video": [{"jpeg": b""}, {"jpeg": b"no picture"}, {"jpeg": b"\xff\xd8\xff\xe0cut"}],
    "audio": [{"pcm": b"", "rate_hz": 16_000}, {"pcm": b"odd", "rate_hz": 16_000}],
    "text": [],  # a text that is a string can always be read
}


class StandIn:
    """A model that finds everything equally likely."""

    model_id = "stand-in/1"

    def load(self, device):
        pass

    def prepare(self, text, context=()):
        return np.zeros((2, 16), np.int64)

    def known_share(self, text):
        return 1.0

    def predict(self, prepared):
        return np.full((len(prepared), 7), 1 / 7)


def analyst(modality, settings):
    device.limit_threads(1)
    if (FOLDER / f"{CARDS[modality]}.json").exists():
        return {"video": video, "audio": audio, "text": text}[modality].analyst(settings)
    return {
        "video": lambda: video.VideoAnalyst(StandIn(), Detector()),
        "audio": lambda: audio.AudioAnalyst(StandIn()),
        "text": lambda: text.TextAnalyst(StandIn()),
    }[modality]()


def envelope(modality, seq, session="s"):
    at = 1_700_000_000_000 + 1000 * seq
    whose = {"session_id": session, "party": "customer", "modality": modality, "expects": (modality,)}
    return {**whose, "seq": seq, "start_ms": at, "end_ms": at, "settled_ms": at + 1}


def message(modality, seq, content=None, session="s"):
    return encode(TYPES[modality](**envelope(modality, seq, session), **(content or EMPTY[modality])))


def garbage(modality):
    """Return (bytes, reason) of what is no message of this topic."""
    whole = message(modality, 0, session="garbage")
    fields = msgpack.unpackb(whole)
    other = "audio" if modality == "video" else "video"
    return [
        (b"", "malformed"),
        (b"\xc1\xff\x00", "malformed"),
        (msgpack.packb([1, 2]), "malformed"),
        (whole[: len(whole) // 2], "malformed"),
        (whole[:-1], "malformed"),
        (msgpack.packb(fields | {"type": "unheard-of"}), "malformed"),
        (msgpack.packb(fields | {"party": "stranger"}), "malformed"),
        (msgpack.packb(fields | {"start": "noon"}), "malformed"),
        (msgpack.packb(fields | {"start": 2**60}), "malformed"),
        (message(other, 0), "malformed"),
        (encode(EndOfStream(**envelope(other, 0))), "malformed"),
        (msgpack.packb(fields | {"v": 2}), "wrong_version"),
        (whole.ljust(MEDIA[modality].max_bytes + 1, b"\0"), "too_large"),
    ]


@pytest.mark.parametrize("modality", ["video", "audio", "text"])
async def test_garbage_is_set_aside_with_its_reason_and_the_session_goes_on(broker_settings, modality):
    bad = garbage(modality)
    broken = UNDECODABLE[modality]
    topic = MEDIA[modality].name
    values = [message(modality, 0)]
    values += [value for value, _ in bad]
    values += [message(modality, 1 + n, content) for n, content in enumerate(broken)]
    values += [message(modality, 1 + len(broken)), encode(EndOfStream(**envelope(modality, 2 + len(broken))))]
    async with working(broker_settings, analyst(modality, broker_settings)):
        records = [(topic, p, value) for value in values for p in range(PARTITIONS)]
        await send_raw(broker_settings.kafka, records)
        await caught_up(broker_settings, modality)

    answers = await observed(broker_settings.kafka)
    reasons = [NOTHING[modality], *[Reason.FAILED] * len(broken), NOTHING[modality], None]
    for partition in range(PARTITIONS):
        mine = [observation for p, observation in answers if p == partition]
        assert [observation.seq for observation in mine] == list(range(len(reasons)))
        assert [getattr(observation, "reason", None) for observation in mine] == reasons

    dead = await letters(broker_settings.kafka)
    expected = [(1 + n, reason) for n, (_, reason) in enumerate(bad)]
    expected += [(1 + len(bad) + n, "undecodable") for n in range(len(broken))]
    for partition in range(PARTITIONS):
        mine = [letter for letter in dead if letter.partition == partition]
        assert sorted((letter.offset, letter.reason) for letter in mine) == expected
        assert all(letter.body == values[letter.offset] for letter in mine)
        assert all(letter.topic == topic and letter.detail for letter in mine)
