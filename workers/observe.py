"""From messages to observations: policy, shedding and one batch through a model.

``observe`` is the whole of it. The loop over Kafka (``workers.inference``) and the run without a broker both
call it, so that they differ in transport only. A modality is an ``Analyst``: what the model is to see of one
message, and the model.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from affectstream.schemas.errors import InputError, ModelError, Unavailable
from affectstream.schemas.labels import N_EMOTIONS
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

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.float64]  # (inputs, 7), or more columns: see affectstream.workers.answers

M = TypeVar("M", bound=Media, contravariant=True)

NOT_THE_INPUT = (ModelError, Unavailable)  # weights or device: every other input would fail too


@dataclass(frozen=True)
class Sight:
    """What the model is to see of one message, and how its rows become the observation."""

    inputs: Sequence[Array]
    tell: Callable[[Rows], Probabilities]


_View = tuple[Media, Sight]


class Analyst(Protocol[M]):
    """One modality: a look at one message, and a model over what many looks brought."""

    @property
    def modality(self) -> Modality:
        """The modality of the messages that it can look at."""

    @property
    def model_id(self) -> str:
        """Name and version of the model, as written into every observation."""

    def look(self, message: M) -> Sight | Reason:
        """Prepare one message, or say why there is nothing to see; raises InputError where undecodable."""

    def predict(self, inputs: Sequence[Array]) -> Rows:
        """Return a distribution (inputs, 7) per prepared input: the same bits in whatever batch."""


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


def observe(
    analyst: Analyst[Any],
    messages: Sequence[Media | EndOfStream],
    agent_purpose: str | None = None,
    stale: Callable[[Media], bool] = _never,
) -> list[Outcome]:
    """Return exactly one outcome per message, in order, as one batch through the model.

    Content never raises: undecodable content and a model's exception become abstentions with a ``Failure``.
    ModelError and Unavailable do raise: they are not the input's fault. ``stale`` says what is shed.
    """
    views = [_view(analyst, message, agent_purpose, stale) for message in messages]
    told = iter(_tell(analyst, [view for view in views if not isinstance(view, Outcome)]))
    return [view if isinstance(view, Outcome) else next(told) for view in views]


def _view(
    analyst: Analyst[Any],
    message: Media | EndOfStream,
    agent_purpose: str | None,
    stale: Callable[[Media], bool],
) -> Outcome | _View:
    if isinstance(message, EndOfStream):
        return Outcome(message)
    if not permits(message.party, agent_purpose):
        return _abstain(message, Reason.NOT_PERMITTED)
    if stale(message):
        return _abstain(message, Reason.SHED)
    try:
        sight = analyst.look(message)
    except InputError as error:
        return _abstain(message, Reason.FAILED, Failure("undecodable", str(error)))
    except NOT_THE_INPUT:
        raise
    except Exception as error:
        return _abstain(message, Reason.FAILED, _failed(error))
    return _abstain(message, sight) if isinstance(sight, Reason) else (message, sight)


def _tell(analyst: Analyst[Any], views: Sequence[_View]) -> list[Outcome]:
    """Predict all views at once, or one by one where that raises: one input cannot fail its batch."""
    try:
        rows = _rows_of(views, _predict(analyst, views))
        return [_told(message, sight, its) for (message, sight), its in zip(views, rows, strict=True)]
    except NOT_THE_INPUT:
        raise
    except Exception as error:
        if len(views) == 1:
            return [_abstain(views[0][0], Reason.FAILED, _failed(error))]
    return [outcome for view in views for outcome in _tell(analyst, [view])]


def _predict(analyst: Analyst[Any], views: Sequence[_View]) -> Rows:
    inputs = [array for _, sight in views for array in sight.inputs]
    rows = analyst.predict(inputs) if inputs else np.zeros((0, 7))
    if len(rows) != len(inputs):
        raise ValueError(f"{len(rows)} rows for {len(inputs)} inputs")
    return rows


def _rows_of(views: Sequence[_View], rows: Rows) -> Iterator[Rows]:
    start = 0
    for _, sight in views:
        yield rows[start : start + len(sight.inputs)]
        start += len(sight.inputs)


def _told(message: Media, sight: Sight, rows: Rows) -> Outcome:
    """Build the observation; a row that is no distribution fails its own input only."""
    try:
        return Outcome(sight.tell(rows))
    except ValueError as error:
        return _abstain(message, Reason.FAILED, _failed(error))


def _failed(error: Exception) -> Failure:
    """Name the exception's type only: its text may quote the input."""
    return Failure("failed", f"the model raised {type(error).__name__}")


def _abstain(message: Media, reason: Reason, failure: Failure | None = None) -> Outcome:
    return Outcome(Abstention.model_validate({**message.envelope(), "reason": reason}), failure)


def probabilities(
    message: Media,
    model_id: str,
    p: tuple[float, ...],
    quality: float,
    faces: tuple[Face, ...] = (),
    embedding: bytes | None = None,
) -> Probabilities:
    """Return what a model says about ``message``; raises ValueError where ``p`` is no distribution."""
    said = {"model_id": model_id, "p": p, "quality": quality, "faces": faces, "embedding": embedding}
    return Probabilities.model_validate({**message.envelope(), **said})


def distribution(row: Array) -> tuple[float, ...]:
    """Return the seven of one row as the Python floats that a message carries, bit for bit."""
    return tuple(float(value) for value in row[:N_EMOTIONS])


def kept(row: Array) -> float:
    """Return the share of an answer that lies in the seven classes; an eighth column holds the rest."""
    return 1.0 if len(row) == N_EMOTIONS else float(np.clip(1.0 - row[N_EMOTIONS], 0.0, 1.0))


def embedding(row: Array) -> bytes | None:
    """Return the embedding of one row as a message carries it: little-endian float32; None where none is.

    Raises ValueError where it holds what is no number.
    """
    if len(row) <= N_EMOTIONS + 1:
        return None
    values = row[N_EMOTIONS + 1 :]
    if not np.isfinite(values).all():
        raise ValueError("an embedding must be finite")
    return values.astype("<f4").tobytes()
