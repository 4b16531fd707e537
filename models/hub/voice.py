"""A hub model that classifies waveforms, as an EmotionModel."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, Wav2Vec2FeatureExtractor

from affectstream.models.hub.classifier import Classifier, reader_of
from affectstream.models.hub.snapshot import Snapshot
from affectstream.models.protocol import Array, Predictions
from affectstream.models.voice.features import RATE_HZ, WINDOW_SAMPLES, resample
from affectstream.schemas.errors import InputError, ModelError

SHAPE = (2, WINDOW_SAMPLES)  # samples, and 1 where they are no padding


class HubVoice:
    """Seven probabilities of a two-second window of speech; uncalibrated, as the hub's models are."""

    embedding_size = 0

    def __init__(self, snapshot: Snapshot) -> None:
        """Read labels and preprocessing; raises ModelError for a model that does not take a waveform."""
        self.model_id = snapshot.model_id
        self._classifier = Classifier(snapshot)
        self._extractor = reader_of(AutoFeatureExtractor, snapshot)
        if not isinstance(self._extractor, Wav2Vec2FeatureExtractor):
            raise ModelError(
                f"{self.model_id} does not take a waveform: choose one of the wav2vec2, HuBERT or WavLM kind"
            )
        if self._extractor.sampling_rate != RATE_HZ:
            raise ModelError(
                f"{self.model_id} hears {self._extractor.sampling_rate} Hz, only {RATE_HZ} is served"
            )

    def load(self, device: str) -> None:
        """Read the weights onto ``device``; raises ModelError."""
        self._classifier.load(AutoModelForAudioClassification, device)
        silence = np.zeros(WINDOW_SAMPLES // 2, np.float32)  # so that it is padded
        self._classifier.require_answer(lambda: self.predict([self.prepare(silence, RATE_HZ)]))

    def prepare(self, samples: npt.NDArray[np.float32], rate_hz: int) -> Array:
        """Return samples and mask (2, 32000) of mono ``samples`` at any rate; the newest two seconds.

        A shorter window is padded after it was brought to mean 0 and deviation 1, and masked where the
        model was trained with a mask.
        """
        heard = resample(samples, rate_hz)[-WINDOW_SAMPLES:]
        if not len(heard):
            raise InputError("a window of speech must hold a sample")
        made = self._extractor(
            heard,
            sampling_rate=RATE_HZ,
            padding="max_length",
            max_length=WINDOW_SAMPLES,
            return_attention_mask=True,
            return_tensors="np",
        )
        mask = made["attention_mask"][0] if self._extractor.return_attention_mask else np.ones(WINDOW_SAMPLES)
        return np.stack([made["input_values"][0], mask]).astype(np.float32)

    def predict(self, prepared: Sequence[Array]) -> Predictions:
        """Return the predictions for what ``prepare`` made, in its order."""
        if any(array.shape != SHAPE for array in prepared):
            raise InputError(f"a window must be prepared as samples and mask {SHAPE}")
        stacked = np.stack(prepared) if len(prepared) else np.zeros((0, *SHAPE))
        return self._classifier.predict(stacked, self._forward)

    def _forward(self, network: nn.Module, windows: torch.Tensor) -> torch.Tensor:
        # Models of the "group" kind were trained without a mask, and are worse with one.
        mask = windows[:, 1].long() if self._extractor.return_attention_mask else None
        logits: torch.Tensor = network(input_values=windows[:, 0], attention_mask=mask).logits
        return logits
