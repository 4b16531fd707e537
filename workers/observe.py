"""From messages to observations: policy, shedding and one batch through a model.

The loop over Kafka (``workers.inference``) and the run without a broker both call ``observe``, so that they
differ in transport only. A modality is an ``Analyst``: how one message is prepared, and the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from affectstream.models.protocol import Array, EmotionModel, Predictions
from affectstream.schemas.errors import InputError, ModelError, SettingsError, Unavailable
from affectstream.schemas.messages import (
    Abstention,
    EndOfStream,
    Face,
    Media,
    Modality,
    Observation,
    Probabilities,
    Reason,
)
from affectstream.schemas.policy import permits

M = TypeVar("M", bound=Media, contravariant=True)

NOT_THE_INPUT = (ModelError, Unavailable)  # weights or device: every other input would fail too


@dataclass(frozen=True)
class Prepared:
    """The model inputs of one message, and how their predictions become its observation."""

    inputs: Sequence[Array]
    to_observation: Callable[[Predictions], Probabilities | Reason]  # a reason: they are no evidence


_Input = tuple[Media, Prepared]


class Analyst(Protocol[M]):
    """One modality: preparation of one message, and a model over the inputs of many."""

    @property
    def modality(self) -> Modality:
        """The modality of the messages that it prepares."""

    @property
    def model_id(self) -> str:
        """Name and version of the model, as written into every observation."""

    def prepare(self, message: M) -> Prepared | Reason:
        """Return the model inputs of one message, or why it has none; raises InputError where undecodable."""

    def predict(self, inputs: Sequence[Array]) -> Predictions:
        """Return one prediction per prepared input: the same bits in whatever batch."""


@dataclass(frozen=True)
class Failure:
    """Why an input could not be analysed, for the dead letter; never its content."""

    reason: str  # undecodable | failed
    detail: str


@dataclass(frozen=True)
class Outcome:
    """What is published about one input, and the failure behind it where there was one."""

    observation: Observation
    failure: Failure | None = None


def _never(_: Media) -> bool:
    return False


def _withheld(message: Media) -> Reason | None:
    return message.withheld


def observe(
    analyst: Analyst[Any],
    messages: Sequence[Media | EndOfStream],
    agent_purpose: str | None = None,
    stale: Callable[[Media], bool] = _never,
    withholds: Callable[[Media], Reason | None] = _withheld,
) -> list[Outcome]:
    """Return exactly one outcome per message, in order, as one batch through the model.

    Content never raises: undecodable content and a model's exception become abstentions with a ``Failure``.
    ModelError and Unavailable do raise: they are not the input's fault. ``stale`` says what is shed, and
    ``withholds`` why a message may not be analysed.
    """
    inputs = [_prepare(analyst, message, agent_purpose, stale, withholds) for message in messages]
    results = iter(_results(analyst, [one for one in inputs if not isinstance(one, Outcome)]))
    return [one if isinstance(one, Outcome) else next(results) for one in inputs]


def _prepare(
    analyst: Analyst[Any],
    message: Media | EndOfStream,
    agent_purpose: str | None,
    stale: Callable[[Media], bool],
    withholds: Callable[[Media], Reason | None],
) -> Outcome | _Input:
    if isinstance(message, EndOfStream):
        return Outcome(message)
    if not permits(message.party, agent_purpose):
        return _abstain(message, Reason.NOT_PERMITTED)
    if reason := withholds(message):
        return _abstain(message, reason)
    if stale(message):
        return _abstain(message, Reason.SHED)
    try:
        prepared = analyst.prepare(message)
    except InputError as error:
        return _abstain(message, Reason.FAILED, Failure("undecodable", str(error)))
    except NOT_THE_INPUT:
        raise
    except Exception as error:
        return _abstain(message, Reason.FAILED, _failed(error))
    return _abstain(message, prepared) if isinstance(prepared, Reason) else (message, prepared)


def _results(analyst: Analyst[Any], inputs: Sequence[_Input]) -> list[Outcome]:
    """Predict all inputs at once, or one by one where that raises: one input cannot fail its batch."""
    try:
        return _observations(inputs, _predict(analyst, inputs))
    except NOT_THE_INPUT:
        raise
    except Exception as error:
        if len(inputs) == 1:
            return [_abstain(inputs[0][0], Reason.FAILED, _failed(error))]
    return [outcome for one in inputs for outcome in _results(analyst, [one])]


def _predict(analyst: Analyst[Any], inputs: Sequence[_Input]) -> Predictions:
    arrays = [array for _, prepared in inputs for array in prepared.inputs]
    predictions = analyst.predict(arrays) if arrays else Predictions.empty()
    if len(predictions) != len(arrays):
        raise ValueError(f"{len(predictions)} predictions for {len(arrays)} inputs")
    return predictions


def _observations(inputs: Sequence[_Input], predictions: Predictions) -> list[Outcome]:
    outcomes, start = [], 0
    for message, prepared in inputs:
        stop = start + len(prepared.inputs)
        outcomes.append(_observation(message, prepared, predictions.rows(start, stop)))
        start = stop
    return outcomes


def _observation(message: Media, prepared: Prepared, predictions: Predictions) -> Outcome:
    """Build the observation; a prediction that is no distribution fails its own input only."""
    try:
        found = prepared.to_observation(predictions)
        return _abstain(message, found) if isinstance(found, Reason) else Outcome(found)
    except ValueError as error:
        return _abstain(message, Reason.FAILED, _failed(error))


def _failed(error: Exception) -> Failure:
    """Name the exception's type only: its text may quote the input."""
    return Failure("failed", f"the model raised {type(error).__name__}")


def _abstain(message: Media, reason: Reason, failure: Failure | None = None) -> Outcome:
    return Outcome(Abstention.model_validate({**message.envelope(), "reason": reason}), failure)


def probabilities(
    message: Media, model_id: str, fields: dict[str, Any], faces: tuple[Face, ...] = ()
) -> Probabilities:
    """Return the observation of ``message``; raises ValueError where ``fields`` hold no distribution."""
    whole = {**message.envelope(), **fields, "model_id": model_id, "faces": faces}
    return Probabilities.model_validate(whole)


def fields_of(predictions: Predictions, row: int, quality: float) -> dict[str, Any]:
    """Return ``p``, ``quality`` and ``embedding`` of one prediction, as an observation and a face carry them.

    Mass outside the seven classes lowers the quality. An embedding is little-endian float32, None where the
    predictions have none. Raises ValueError where it is not finite.
    """
    share = float(np.clip(1.0 - predictions.removed[row], 0.0, 1.0))  # of the mass, within the seven
    embedding = None
    if predictions.embeddings is not None:
        values = predictions.embeddings[row]
        if not np.isfinite(values).all():
            raise ValueError("an embedding must be finite")
        embedding = values.astype("<f4").tobytes()
    return {"p": tuple(predictions.p[row].tolist()), "quality": quality * share, "embedding": embedding}


def require_embeddings(model: EmotionModel, wanted: bool) -> bool:
    """Return ``wanted``; raises SettingsError where embeddings are wanted of a model that has none."""
    if wanted and not model.embedding_size:
        raise SettingsError(
            f"fusion.embeddings is on, but the model {model.model_id} gives no embeddings: "
            "use the shipped model, or turn fusion.embeddings off and choose a rule that needs none"
        )
    return wanted
