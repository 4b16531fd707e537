"""Every shipped model hands out what its last layer read: beside its probabilities, whatever the batch."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
import torch

from affectstream.models.face.model import FaceModel
from affectstream.models.face.network import FaceNet
from affectstream.models.protocol import Array, EmbeddingModel
from affectstream.models.text.model import TextModel
from affectstream.models.voice.model import SHAPE, VoiceModel
from affectstream.models.voice.network import VoiceEnsemble, VoiceNet

TEXTS = ("Thank you so much!", "No.", "I have been waiting for an hour and nobody told me why.", "Okay, bye")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def inputs(model: EmbeddingModel) -> list[Array]:
    rng = np.random.default_rng(0)
    if isinstance(model, TextModel):
        return [model.prepare(text) for text in TEXTS]
    if isinstance(model, FaceModel):
        return list(rng.integers(0, 256, (11, 48, 48)).astype(np.uint8))
    return list(rng.uniform(-1, 1, (5, *SHAPE)).astype(np.float32))


@pytest.fixture(scope="module", params=[FaceModel, VoiceModel, TextModel])
def model(request: pytest.FixtureRequest) -> EmbeddingModel:
    made = cast(EmbeddingModel, request.param())
    made.load("cpu")
    return made


def test_the_probabilities_beside_the_embeddings_are_those_of_predict(model: EmbeddingModel) -> None:
    prepared = inputs(model)
    probabilities, embeddings = model.predict_with_embeddings(prepared)
    assert probabilities.tobytes() == model.predict(prepared).tobytes()
    assert embeddings.shape == (len(prepared), model.embedding_size)
    assert embeddings.dtype == np.float32
    assert np.isfinite(embeddings).all()
    assert len(np.unique(embeddings, axis=0)) == len(prepared)


def test_an_embedding_has_the_same_bits_however_batched(model: EmbeddingModel) -> None:
    prepared = inputs(model)
    together = model.predict_with_embeddings(prepared)[1]
    alone = np.concatenate([model.predict_with_embeddings([one])[1] for one in prepared])
    backwards = model.predict_with_embeddings(prepared[::-1])[1][::-1]
    assert together.tobytes() == alone.tobytes() == backwards.tobytes()


def test_nothing_in_gives_empty_rows_of_the_right_size(model: EmbeddingModel) -> None:
    probabilities, embeddings = model.predict_with_embeddings([])
    assert probabilities.shape == (0, 7)
    assert embeddings.shape == (0, model.embedding_size)


@pytest.mark.parametrize(("kind", "size"), [(FaceModel, 256), (VoiceModel, 1024), (TextModel, 384)])
def test_the_size_is_known_before_the_weights_are(kind: type[EmbeddingModel], size: int) -> None:
    assert kind().embedding_size % size == 0  # a voice of several members has as many times its own


def test_the_head_reads_the_face_embedding() -> None:
    network = FaceNet((8, 16), (1, 1)).eval()
    faces = torch.randint(0, 256, (3, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(network(faces), network.head(network.embed(faces)))


def test_members_put_their_embeddings_one_after_another() -> None:
    ensemble = VoiceEnsemble(members=2, width=4).eval()
    x = torch.rand(3, *SHAPE)
    with torch.inference_mode():
        said, read = ensemble.with_embeddings(x)
        members = [cast(VoiceNet, member) for member in ensemble.members]
        halves = read.chunk(2, dim=1)
        again = [m.head(half).log_softmax(dim=1) for m, half in zip(members, halves, strict=True)]
        torch.testing.assert_close(said, torch.stack(again).mean(dim=0))
        assert torch.equal(said, ensemble(x))
