"""The text worker: utterances with their context to tokens, non-speech told apart."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from affectstream.models.protocol import EmotionModel
from affectstream.models.text.model import TextModel
from affectstream.models.text.quality import text_quality, words_in
from affectstream.models.text.tokenise import is_speech
from affectstream.runtime.settings import Settings
from affectstream.schemas.messages import Modality, Probabilities, Reason, Transcript
from affectstream.workers import device, serve
from affectstream.workers.answers import answering
from affectstream.workers.observe import Array, Rows, Sight, distribution, embedding, kept, probabilities

MODALITY: Modality = "text"


class Reader(EmotionModel, Protocol):
    """A text model: it makes its own tokens, and knows how much of a text it knows."""

    def prepare(self, text: str, context: Sequence[str] = ()) -> Array:
        """Return the tokens of an utterance and the turns before it, oldest first."""

    def known_share(self, text: str) -> float:
        """Return the share of ``text`` that the vocabulary holds."""


class TextAnalyst:
    """Looks at one utterance; the model reads it after the turns before it."""

    modality = MODALITY

    def __init__(self, model: Reader, embeddings: bool = False) -> None:
        self.model_id = model.model_id
        self._model = model
        self._answer = answering(model, embeddings)

    def look(self, message: Transcript) -> Sight | Reason:
        """Return the tokens, or that nobody spoke."""
        if not is_speech(message.text):
            return Reason.NO_SPEECH
        grade = text_quality(words_in(message.text), self._model.known_share(message.text))
        tokens = self._model.prepare(message.text, message.context)
        return Sight([tokens], partial(self._tell, message, grade))

    def predict(self, inputs: Sequence[Array]) -> Rows:
        """Return a distribution (inputs, 7) per utterance."""
        with device.failure_stops():
            return self._answer(inputs)

    def _tell(self, message: Transcript, grade: float, rows: Rows) -> Probabilities:
        (row,) = rows
        told = distribution(row), grade * kept(row)
        return probabilities(message, self.model_id, *told, embedding=embedding(row))


def analyst(settings: Settings) -> TextAnalyst:
    """Return the analyst that ``settings`` ask for, weights loaded; raises ModelError or SettingsError."""
    own = settings.text
    where = device.choose(own.device)
    model = _hub(own.model, own.revision) if own.model else TextModel(rows=device.fixed_rows(where))
    model.load(where)
    model.predict([model.prepare("hello")])  # the first pass is slow; let it be before the first input
    return TextAnalyst(model, settings.fusion.embeddings)


def _hub(source: str, revision: str | None) -> Reader:
    from affectstream.models.hub import choose

    return choose.text(source, revision)


def main() -> None:
    """Be the text worker."""
    serve.run(MODALITY, analyst)


if __name__ == "__main__":
    main()
