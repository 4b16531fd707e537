"""Every shipped model returns the features that its last layer reads, whatever the batch."""

from typing import cast

import numpy as np
import pytest
import torch

from affectstream.models.face.model import FaceModel
from affectstream.models.face.network import FaceNet
from affectstream.models.protocol import Array, Embeddings, EmotionModel
from affectstream.models.text.model import TextModel
from affectstream.models.voice.model import SHAPE, VoiceModel
from affectstream.models.voice.network import VoiceNet

TEXTS = ("Thank you so much!", "No.", "I have been waiting for an hour and nobody told me why.", "Okay, bye")


def inputs(model: EmotionModel) -> list[Array]:
    rng = np.random.default_rng(0)
    if isinstance(model, TextModel):
        return [model.prepare(text) for text in TEXTS]
    if isinstance(model, FaceModel):
        return list(rng.integers(0, 256, (11, 48, 48)).astype(np.uint8))
    return list(rng.uniform(-1, 1, (5, *SHAPE)).astype(np.float32))


def embedded(model: EmotionModel, prepared: list[Array]) -> Embeddings:
    embeddings = model.predict(prepared).embeddings
    assert embeddings is not None
    return embeddings


@pytest.fixture(scope="module", params=[FaceModel, VoiceModel, TextModel])
def model(request: pytest.FixtureRequest) -> EmotionModel:
    made = cast(EmotionModel, request.param())
    made.load("cpu")
    return made


def test_predictions_hold_one_embedding_per_input(model: EmotionModel) -> None:
    prepared = inputs(model)
    embeddings = embedded(model, prepared)
    assert embeddings.shape == (len(prepared), model.embedding_size)
    assert embeddings.dtype == np.float32
    assert np.isfinite(embeddings).all()
    assert len(np.unique(embeddings, axis=0)) == len(prepared)


def test_an_embedding_has_the_same_bits_however_batched(model: EmotionModel) -> None:
    prepared = inputs(model)
    together = embedded(model, prepared)
    alone = np.concatenate([embedded(model, [one]) for one in prepared])
    backwards = embedded(model, prepared[::-1])[::-1]
    assert together.tobytes() == alone.tobytes() == backwards.tobytes()


def test_nothing_in_gives_empty_rows_of_the_right_size(model: EmotionModel) -> None:
    assert len(model.predict([])) == 0
    assert model.predict([]).p.shape == (0, 7)
    assert embedded(model, []).shape == (0, model.embedding_size)


@pytest.mark.parametrize(("kind", "size"), [(FaceModel, 256), (VoiceModel, 1536), (TextModel, 384)])
def test_the_size_is_known_before_the_weights_are(kind: type[EmotionModel], size: int) -> None:
    assert kind().embedding_size == size


def test_the_head_reads_the_face_embedding() -> None:
    network = FaceNet((8, 16), (1, 1)).eval()
    faces = torch.randint(0, 256, (3, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(network(faces), network.head(network.embed(faces)))


def test_the_heads_read_the_statistics_of_the_voice() -> None:
    network = VoiceNet(members=2, hidden=8).eval()
    x = torch.rand(3, *SHAPE)
    with torch.inference_mode():
        log_p, read, _ = network.with_evidence(x)
        torch.testing.assert_close(log_p, network.heads(read))
        assert torch.equal(log_p, network(x))
