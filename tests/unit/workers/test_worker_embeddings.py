"""Embeddings go along with what a worker says only where the setting asks for it, and change nothing else."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from affectstream.models.face.crop import Box
from affectstream.models.face.detect import Face
from affectstream.models.protocol import Predictions
from affectstream.runtime.settings import load
from affectstream.schemas.codec import decode, encode
from affectstream.schemas.errors import SettingsError
from affectstream.schemas.messages import Abstention, AudioChunk, Observations, Reason, Transcript, VideoFrame
from affectstream.schemas.topics import PROBABILITIES
from affectstream.workers.audio import AudioAnalyst
from affectstream.workers.delivery import split
from affectstream.workers.observe import fields_of, observe
from affectstream.workers.text import TextAnalyst
from affectstream.workers.video import VideoAnalyst

SIZE = 5
PORTRAIT = astronaut()[:, :, ::-1].copy()
WHOSE = {"session_id": "s", "party": "customer", "seq": 0, "start_ms": 0, "watermark_ms": 1000}
BOXES = [Face(Box(170, 60, 100, 100), 0.9), Face(Box(40, 300, 60, 60), 0.8)]


class Model:
    """A stand-in whose embedding of an input is its mean, five times."""

    model_id = "mean/1"
    embedding_size = SIZE

    def __init__(self, broken=()):
        self.broken = broken

    def prepare(self, text, context=()):
        return np.array([len(text), len(context)])

    def known_share(self, text):
        return 1.0

    def predict(self, prepared):
        rows = np.array([np.full(SIZE, array.mean() / 3, np.float32) for array in prepared])
        for row in self.broken:
            rows[row] = np.nan
        return Predictions.of(np.full((len(prepared), 7), 1 / 7), rows)


class Detector:
    name = "given"

    def detect(self, picture):
        return BOXES


def frame():
    jpeg = cv2.imencode(".jpg", PORTRAIT)[1].tobytes()
    return VideoFrame(**WHOSE, end_ms=0, expects=("video",), jpeg=jpeg)


def chunk():
    at = np.arange(32_000) / 16_000
    pcm = (np.sin(2 * np.pi * 180 * at) * (1 + np.sin(2 * np.pi * 3 * at)) * 6000).astype("<i2").tobytes()
    return AudioChunk(**WHOSE, end_ms=2000, expects=("audio",), rate_hz=16_000, pcm=pcm)


def utterance(text="this is wrong"):
    return Transcript(**WHOSE, end_ms=1000, expects=("text",), text=text)


def video(embeddings, model=None):
    return VideoAnalyst(model or Model(), Detector(), embeddings=embeddings)


def audio(embeddings):
    return AudioAnalyst(Model(), embeddings=embeddings)


def text(embeddings):
    return TextAnalyst(Model(), embeddings)


ALL = pytest.mark.parametrize(
    ("analyst", "message"),
    [
        pytest.param(video, frame(), id="video"),
        pytest.param(audio, chunk(), id="audio"),
        pytest.param(text, utterance(), id="text"),
    ],
)


def said(analyst, message):
    (outcome,) = observe(analyst, [message])
    return outcome.observation


def bare(item):
    faces = tuple(face.model_copy(update={"embedding": None}) for face in item.faces)
    return item.model_copy(update={"embedding": None, "faces": faces})


def numbers(data):
    return np.frombuffer(data, "<f4")


@ALL
def test_embeddings_go_along_where_the_setting_asks_for_them(analyst, message):
    item = said(analyst(True), message)
    assert len(numbers(item.embedding)) == SIZE
    assert np.ptp(numbers(item.embedding)) == 0.0


@ALL
def test_without_the_setting_the_bytes_hold_no_embedding_and_the_rest_is_the_same(analyst, message):
    on, off = said(analyst(True), message), said(analyst(False), message)
    assert off.embedding is None
    assert encode(Observations(items=(bare(on),))) == encode(Observations(items=(off,)))
    for face in Observations(items=(off,)).model_dump()["items"][0]["faces"]:
        assert "embedding" not in face


@ALL
def test_embeddings_survive_the_wire(analyst, message):
    record = Observations(items=(said(analyst(True), message),))
    assert decode(encode(record), PROBABILITIES.max_bytes) == record


def test_every_face_has_its_own_and_the_frame_that_of_the_largest():
    item = said(video(True), frame())
    first, second = item.faces
    assert item.embedding == first.embedding
    assert first.embedding != second.embedding


def test_an_embedding_that_is_no_number_fails_its_own_input_only():
    both = observe(TextAnalyst(Model(broken=[0]), True), [utterance("a b c"), utterance("d e")])
    assert isinstance(both[0].observation, Abstention)
    assert both[0].observation.reason is Reason.FAILED
    assert both[1].observation.embedding is not None


def test_the_bytes_are_little_endian_float32():
    predictions = Predictions.of(np.full((1, 7), 1 / 7), np.array([[1.0, -2.5]], np.float32))
    assert fields_of(predictions, 0, 1.0)["embedding"] == b"\x00\x00\x80?\x00\x00 \xc0"
    assert fields_of(predictions.without_embeddings(), 0, 1.0)["embedding"] is None


def test_a_batch_of_many_large_embeddings_is_split_below_the_limit():
    item = said(video(True), frame())
    large = np.zeros(1024, "<f4").tobytes()
    faces = tuple(face.model_copy(update={"embedding": large}) for face in item.faces * 2)
    items = [item.model_copy(update={"embedding": large, "faces": faces})] * 100
    records = split(items, PROBABILITIES.max_bytes)
    assert len(records) > 1
    assert max(len(encode(record)) for record in records) <= PROBABILITIES.max_bytes
    assert [one for record in records for one in record.items] == items


def test_a_model_without_embeddings_is_refused_when_they_are_asked_for():
    class Hub(Model):
        model_id = "someone/model"
        embedding_size = 0

    for build in (VideoAnalyst, AudioAnalyst, TextAnalyst):
        arguments = (Hub(), Detector()) if build is VideoAnalyst else (Hub(),)
        with pytest.raises(SettingsError, match=r"someone/model gives no embeddings.*fusion\.embeddings off"):
            build(*arguments, embeddings=True)
        assert build(*arguments, embeddings=False).model_id == "someone/model"


def test_embeddings_are_off_unless_set():
    assert not load().fusion.embeddings
    assert load(fusion={"embeddings": True}).fusion.embeddings
