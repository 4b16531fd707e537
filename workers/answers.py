"""What a worker asks of its model, as one row of numbers per input.

A row is the seven probabilities; an eighth column, where there is one, is the mass that a hub model gave to
none of the seven; what follows it is the embedding. ``affectstream.workers.observe`` takes the row apart.
"""

from collections.abc import Callable, Sequence

import numpy as np

from affectstream.models.protocol import Array, EmotionModel, Probabilities
from affectstream.schemas.errors import SettingsError
from affectstream.workers.observe import Rows

Answer = Callable[[Sequence[Array]], Rows]
Both = Callable[[Sequence[Array]], tuple[Probabilities, Array]]  # (n, 7) and embeddings (n, d)


def answering(model: EmotionModel, embeddings: bool = False) -> Answer:
    """Return what gives rows (n, 7), (n, 8), or (n, 8 + d) with ``embeddings``.

    Raises SettingsError where embeddings are asked of a model that has none.
    """
    if not embeddings:
        answer: Answer = getattr(model, "predict_with_removed", model.predict)
        return answer
    both: Both | None = getattr(model, "predict_with_embeddings", None)
    if both is None:
        raise SettingsError(
            f"fusion.embeddings is on, but the model {model.model_id} gives no embeddings: "
            "use the shipped model, or turn fusion.embeddings off and choose a rule that needs none"
        )
    return lambda prepared: joined(*both(prepared))


def joined(p: Probabilities, embeddings: Array) -> Rows:
    """Return rows (n, 8 + d); nothing was removed, so the eighth column is zero."""
    return np.hstack([p, np.zeros((len(p), 1)), embeddings])
