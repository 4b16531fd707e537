"""The audio worker: PCM to features, silence told apart, quality."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from affectstream.models.protocol import Array, EmotionModel, Predictions
from affectstream.models.voice.features import RATE_HZ, features
from affectstream.models.voice.model import Balanced, VoiceModel
from affectstream.models.voice.quality import is_silent, quality
from affectstream.runtime.settings import AudioSettings, Settings
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import AudioChunk, Modality, Probabilities, Reason
from affectstream.workers import device
from affectstream.workers.observe import Prepared, fields_of, probabilities, require_embeddings

MODALITY: Modality = "audio"
FULL_SCALE = 32768.0

Prepare = Callable[[npt.NDArray[np.float32], int], Array]  # samples (n,) and their rate in Hz


class AudioAnalyst:
    """Turns one chunk into log-mel features, and predicts its emotion."""

    modality = MODALITY

    def __init__(
        self,
        model: EmotionModel,
        prepare: Prepare = features,
        embeddings: bool = False,
        seen: Balanced | None = None,
    ) -> None:
        """``seen`` says what the answers become for a party that sends a picture too: no telephone call."""
        self.model_id, self._seen = model.model_id, seen
        self._prepare = prepare
        self._model, self._embeddings = model, require_embeddings(model, embeddings)

    def prepare(self, message: AudioChunk) -> Prepared | Reason:
        """Return the features, or that it is silent; raises InputError for what is no PCM."""
        samples = samples_of(message.pcm)
        if is_silent(samples, message.rate_hz):
            return Reason.SILENCE
        grade = quality(samples, message.rate_hz)
        inputs = [self._prepare(samples, message.rate_hz)]
        return Prepared(inputs, partial(self._to_observation, message, grade))

    def predict(self, inputs: Sequence[Array]) -> Predictions:
        """Return one prediction per chunk."""
        return device.predicted(self._model, inputs, self._embeddings)

    def _to_observation(self, message: AudioChunk, grade: float, predictions: Predictions) -> Probabilities:
        if self._seen is None or "video" not in message.expects:
            return probabilities(message, self.model_id, fields_of(predictions, 0, grade))
        return probabilities(message, self._seen.model_id, fields_of(self._seen.of(predictions), 0, grade))


def samples_of(pcm: bytes) -> npt.NDArray[np.float32]:
    """Return 16-bit little-endian PCM as samples (n,) in [-1, 1); raises InputError for none or half one."""
    if not pcm or len(pcm) % 2:
        raise InputError(f"{len(pcm)} bytes are no 16-bit samples")
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(FULL_SCALE)


def analyst(settings: Settings) -> AudioAnalyst:
    """Return the analyst that ``settings`` ask for, weights loaded; raises ModelError or SettingsError."""
    own = settings.audio
    where = device.choose(own.device)
    if own.model:
        return _hub(own, where, settings.fusion.embeddings)
    model = VoiceModel(
        rows=device.fixed_rows(where), prior="balanced" if own.prior == "balanced" else "calls"
    )
    model.load(where)
    model.predict([features(np.zeros(RATE_HZ, np.float32), RATE_HZ)])  # the first pass is slow
    seen = model.balanced if own.prior == "situation" else None
    return AudioAnalyst(model, embeddings=settings.fusion.embeddings, seen=seen)


def _hub(own: AudioSettings, where: str, embeddings: bool) -> AudioAnalyst:
    from affectstream.models.hub.snapshot import fetch
    from affectstream.models.hub.voice import HubVoice

    model = HubVoice(fetch(own.model, own.revision))
    model.load(where)
    model.predict([model.prepare(np.zeros(2 * RATE_HZ, np.float32), RATE_HZ)])
    return AudioAnalyst(model, model.prepare, embeddings)


def main() -> None:
    """Run the audio worker."""
    from affectstream.workers import serve

    serve.run(MODALITY, analyst)


if __name__ == "__main__":
    main()
