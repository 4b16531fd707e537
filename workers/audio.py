"""The audio worker: PCM to features, silence told apart, quality."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from affectstream.models.protocol import EmotionModel
from affectstream.models.voice.features import RATE_HZ, features
from affectstream.models.voice.model import VoiceModel
from affectstream.models.voice.quality import is_silent, quality
from affectstream.runtime.settings import AudioSettings, Settings
from affectstream.schemas.errors import InputError
from affectstream.schemas.messages import AudioChunk, Modality, Probabilities, Reason
from affectstream.workers import device, serve
from affectstream.workers.answers import answering
from affectstream.workers.observe import Array, Rows, Sight, distribution, embedding, kept, probabilities

MODALITY: Modality = "audio"
FULL_SCALE = 32768.0

Prepare = Callable[[npt.NDArray[np.float32], int], Array]  # samples (n,) and their rate in Hz


class AudioAnalyst:
    """Looks at one chunk; the model hears its log-mel features."""

    modality = MODALITY

    def __init__(self, model: EmotionModel, prepare: Prepare = features, embeddings: bool = False) -> None:
        self.model_id = model.model_id
        self._prepare = prepare
        self._answer = answering(model, embeddings)

    def look(self, message: AudioChunk) -> Sight | Reason:
        """Return the features, or that there is silence; raises InputError for what is no PCM."""
        samples = samples_of(message.pcm)
        if is_silent(samples, message.rate_hz):
            return Reason.SILENCE
        grade = quality(samples, message.rate_hz)
        return Sight([self._prepare(samples, message.rate_hz)], partial(self._tell, message, grade))

    def predict(self, inputs: Sequence[Array]) -> Rows:
        """Return a distribution (inputs, 7) per chunk."""
        with device.failure_stops():
            return self._answer(inputs)

    def _tell(self, message: AudioChunk, grade: float, rows: Rows) -> Probabilities:
        (row,) = rows
        told = distribution(row), grade * kept(row)
        return probabilities(message, self.model_id, *told, embedding=embedding(row))


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
    model = VoiceModel(rows=device.fixed_rows(where))
    model.load(where)
    model.predict([features(np.zeros(RATE_HZ, np.float32), RATE_HZ)])  # librosa is slow at its first window
    return AudioAnalyst(model, embeddings=settings.fusion.embeddings)


def _hub(own: AudioSettings, where: str, embeddings: bool) -> AudioAnalyst:
    from affectstream.models.hub import choose

    model = choose.voice(own.model, own.revision)
    model.load(where)
    model.predict([model.prepare(np.zeros(2 * RATE_HZ, np.float32), RATE_HZ)])
    return AudioAnalyst(model, model.prepare, embeddings)


def main() -> None:
    """Be the audio worker."""
    serve.run(MODALITY, analyst)


if __name__ == "__main__":
    main()
