"""A hub model that classifies sentences, as an EmotionModel."""

import threading
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from affectstream.models.hub.classifier import Classifier, reader_of
from affectstream.models.hub.snapshot import Snapshot
from affectstream.models.protocol import Array, Predictions
from affectstream.models.text.tokenise import BUCKETS, bucket_of
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

FIELDS = ("input_ids", "attention_mask", "token_type_ids")


class HubText:
    """Seven probabilities of an utterance; uncalibrated, as the hub's models are."""

    embedding_size = 0

    def __init__(self, snapshot: Snapshot) -> None:
        """Read labels and vocabulary; raises ModelError."""
        self.model_id = snapshot.model_id
        self._classifier = Classifier(snapshot)
        self._tokenizer = reader_of(AutoTokenizer, snapshot)
        self._fields = [name for name in FIELDS if name in self._tokenizer.model_input_names]
        self._one_at_a_time = threading.Lock()  # truncation and padding are state of the tokenizer

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError."""
        self._classifier.load(AutoModelForSequenceClassification, device)
        longest = "a " * BUCKETS[-1]
        self._classifier.require_answer(lambda: self.predict([self.prepare(longest)]))

    def prepare(self, text: str, context: Sequence[str] = ()) -> Array:
        """Return ids, mask and, where the model has them, segments (2 or 3, bucket) of an utterance.

        ``context`` is not used: the hub's models were trained on single sentences.
        """
        with self._one_at_a_time:
            laid = self._tokenizer(text, truncation=True, max_length=BUCKETS[-1])
            bucket = bucket_of(len(laid["input_ids"]))
            padded = self._tokenizer.pad(laid, padding="max_length", max_length=bucket)
        return np.array([padded[name] for name in self._fields], dtype=np.int64)

    def known_share(self, text: str) -> float:
        """Return the share of word pieces of ``text`` that the vocabulary holds; 0 for no text."""
        with self._one_at_a_time:
            ids = self._tokenizer(text, add_special_tokens=False, truncation=True, max_length=BUCKETS[-1])[
                "input_ids"
            ]
        return sum(i != self._tokenizer.unk_token_id for i in ids) / len(ids) if ids else 0.0

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for what ``prepare`` made, in its order."""
        if any(a.ndim != 2 or len(a) != len(self._fields) or a.shape[1] not in BUCKETS for a in prepared):
            raise InputError(f"a text must be prepared as {', '.join(self._fields)} in one of {BUCKETS}")
        where: dict[int, list[int]] = defaultdict(list)
        for i, array in enumerate(prepared):
            where[array.shape[1]].append(i)
        p, removed = np.zeros((len(prepared), N_EMOTIONS)), np.zeros(len(prepared))
        for rows in where.values():
            part = self._classifier.predict(np.stack([prepared[i] for i in rows]), self._forward)
            p[rows], removed[rows] = part.p, part.removed
        return Predictions(p, removed)

    def _forward(self, network: nn.Module, prepared: torch.Tensor) -> torch.Tensor:
        named = {name: prepared[:, i] for i, name in enumerate(self._fields)}
        logits: torch.Tensor = network(**named).logits
        return logits
