"""The text worker: utterances with their context to tokens, non-speech told apart."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from affectstream.models.protocol import Array, EmotionModel, Predictions
from affectstream.models.text.language import is_english, text_quality, words_in
from affectstream.models.text.model import TextModel
from affectstream.models.text.tokenise import is_speech
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import Modality, Probabilities, Reason, Transcript
from affectstream.workers import device
from affectstream.workers.observe import Prepared, fields_of, probabilities, require_embeddings

MODALITY: Modality = "text"


Readable = Callable[[str, Sequence[str], str | None], bool]


class Reader(EmotionModel, Protocol):
    """A text model: it makes its own tokens, and knows how much of a text it knows."""

    def prepare(self, text: str, context: Sequence[str] = ()) -> Array:
        """Return the tokens of an utterance and the turns before it, oldest first."""

    def known_share(self, text: str) -> float:
        """Return the share of ``text`` that the vocabulary holds."""


class TextAnalyst:
    """Prepares one utterance after the turns before it, and predicts its emotion."""

    modality = MODALITY

    def __init__(self, model: Reader, embeddings: bool = False, readable: Readable | None = None) -> None:
        """``readable`` tells by text, context and stated language what the model can read; None: all."""
        self.model_id = model.model_id
        self._readable = readable
        self._model, self._embeddings = model, require_embeddings(model, embeddings)

    def prepare(self, message: Transcript) -> Prepared | Reason:
        """Return the tokens, or that it holds no speech or is in a language that the model cannot read."""
        if not is_speech(message.text):
            return Reason.NO_SPEECH
        if self._readable and not self._readable(message.text, message.context, message.language):
            return Reason.LANGUAGE
        grade = text_quality(words_in(message.text), self._model.known_share(message.text))
        tokens = self._model.prepare(message.text, message.context)
        return Prepared([tokens], partial(self._to_observation, message, grade))

    def predict(self, inputs: Sequence[Array]) -> Predictions:
        """Return one prediction per utterance."""
        return device.predicted(self._model, inputs, self._embeddings)

    def _to_observation(self, message: Transcript, grade: float, predictions: Predictions) -> Probabilities:
        return probabilities(message, self.model_id, fields_of(predictions, 0, grade))


def analyst(settings: Settings) -> TextAnalyst:
    """Return the analyst that ``settings`` ask for, weights loaded; raises ModelError or SettingsError."""
    own = settings.text
    where = device.choose(own.device)
    model = _hub(own.model, own.revision) if own.model else TextModel(rows=device.fixed_rows(where))
    model.load(where)
    readable = None if own.model else is_english
    if readable:
        readable("hello", (), None)  # reads the likelihoods of languages: half a second
    model.predict([model.prepare("hello")])  # the first pass is slow; let it be before the first input
    return TextAnalyst(model, settings.fusion.embeddings, readable)


def _hub(source: str, revision: str | None) -> Reader:
    from affectstream.models.hub.snapshot import fetch
    from affectstream.models.hub.text import HubText

    return HubText(fetch(source, revision))


def main() -> None:
    """Run the text worker."""
    from affectstream.workers import serve

    serve.run(MODALITY, analyst)


if __name__ == "__main__":
    main()
