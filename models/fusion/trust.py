"""How far each modality is trusted in a window, unless an operator decides.

Trust is how often the modality was right in validation when its label was the present one.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from affectstream.models.fusion.evidence import Array
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality

BOUNDS = (0.05, 1.0)  # every modality that is present has some weight
CARDS: dict[Modality, float] = {"video": 0.74, "audio": 0.705, "text": 0.42}  # the UAR in the models' cards

PerClass = float | Sequence[float]  # one number for all emotions, or one for each


def table(values: Mapping[Modality, PerClass]) -> Array:
    """Return reliabilities (modalities, 7); 1 where none is given."""
    return np.array([np.broadcast_to(values.get(m, 1.0), N_EMOTIONS) for m in MODALITIES], dtype=np.float64)


def reliability(p: Array, reliabilities: Array) -> Array:
    """Return the expected reliability (..., modalities): the sum over classes of p(k) r(k).

    ``p`` is (..., modalities, 7); a modality without evidence is uniform, so its classes count alike.
    """
    expected: Array = (p * reliabilities).sum(axis=-1)
    return expected
