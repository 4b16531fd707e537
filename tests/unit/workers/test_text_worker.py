"""From an utterance to its tokens; the model is a stand-in except where it says shipped."""

import numpy as np
import pytest
import torch

from affectstream.models.protocol import Predictions
from affectstream.models.weights import FOLDER
from affectstream.runtime.settings import load
from affectstream.schemas.errors import Unavailable
from affectstream.schemas.messages import Reason, Transcript
from affectstream.workers import device
from affectstream.workers.observe import observe
from affectstream.workers.text import TextAnalyst, analyst


class Lengths:
    """A stand-in that remembers what it was to prepare."""

    model_id = "lengths/1"
    embedding_size = 0

    def __init__(self):
        self.prepared = []

    def load(self, device):
        pass

    def prepare(self, text, context=()):
        self.prepared.append((text, context))
        return np.array([len(text), len(context)])

    def known_share(self, text):
        return 0.5

    def predict(self, prepared):
        rows = np.array([np.arange(1, 8) + array.sum() for array in prepared], dtype=np.float64)
        return Predictions.of(rows / rows.sum(axis=1, keepdims=True))


def said(text, context=(), seq=0):
    return Transcript(
        session_id="s",
        party="customer",
        modality="text",
        seq=seq,
        start_ms=1000 * seq,
        end_ms=1000 * seq + 800,
        watermark_ms=1000 * seq + 800,
        expects=("text",),
        text=text,
        context=context,
    )


def test_an_utterance_is_read_after_the_turns_before_it():
    model = Lengths()
    outcome = observe(TextAnalyst(model), [said("I am fine", ("hello", "how are you"))])[0]
    assert model.prepared == [("I am fine", ("hello", "how are you"))]
    assert outcome.observation.quality == pytest.approx(3 / 4 * 0.5)
    assert outcome.observation.model_id == "lengths/1"


@pytest.mark.parametrize("text", ["", "   ", "...", "[music]", "(laughs)"])
def test_where_nobody_speaks_the_worker_abstains(text):
    model = Lengths()
    outcome = observe(TextAnalyst(model), [said(text)])[0]
    assert outcome.observation.reason is Reason.NO_SPEECH
    assert model.prepared == []


@pytest.mark.skipif(not (FOLDER / "text.json").exists(), reason="the text weights are not there yet")
def test_with_the_shipped_weights_an_utterance_gives_the_same_bits_in_any_batch():
    device.limit_threads(1)
    text = analyst(load(text={"device": "cpu"}))
    call = "you keep me waiting so long that I am losing my patience with you and your endless queues"
    words = call.split()
    turns = [said(" ".join(words[:n]), tuple(words[:n][-2:]), n) for n in range(len(words))]
    alone = [observe(text, [one])[0] for one in turns]
    assert observe(text, turns) == alone
    assert observe(text, turns[::-1]) == alone[::-1]


def test_a_fault_of_the_device_is_no_fault_of_the_input():
    class Broken(Lengths):
        def predict(self, prepared):
            raise torch.AcceleratorError("an illegal address")

    with pytest.raises(Unavailable, match="restart the worker"):
        TextAnalyst(Broken()).predict([np.array([1, 2])])
