"""How far each modality is trusted in a window, unless an operator decides: by modality and situation.

Trust is the recall over balanced classes that a modality's model reached on what it was not trained on. The
situation is read from what a party sends. A party without a picture is on the telephone: its sound is taken
for a stranger's on a line, whatever its quality says, and trusted as far as the voice model was right on
corpora that it never heard. The file that the rules were fitted with holds the trust at which a modality
counts in full; less lowers its share, and the confidence of what is fused.
"""

from collections.abc import Mapping

import numpy as np

from affectstream.models.fusion.evidence import Array
from affectstream.schemas.messages import MODALITIES, Modality

BOUNDS = (0.05, 1.0)  # every modality that is present has some weight
CARDS: dict[Modality, float] = {"video": 0.78, "audio": 0.69, "text": 0.42}  # the UAR in the models' cards
TELEPHONE = 0.47  # of the voice where no picture is sent: the mean UAR on corpora never heard, by its card


def table(values: Mapping[Modality, float], telephone: float) -> Array:
    """Return the trust (2, modalities) of parties that send no picture, and of those that do."""
    seen = [values[m] for m in MODALITIES]
    heard = [telephone if m == "audio" else values[m] for m in MODALITIES]
    return np.array([heard, seen], dtype=np.float64)
