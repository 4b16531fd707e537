"""From the labels of somebody else's model to the seven emotions.

A model that has four classes is not to be read as saying "impossible" of the other three: in a product of
experts one such zero would veto the class for ever. So the missing classes keep their prior and what the
model says is spread over the prior of those that it has. What it gives to contempt, other or unknown is
removed and reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from affectstream.models.protocol import Predictions
from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import EMOTIONS, GOEMOTIONS_EKMAN, INDEX, N_EMOTIONS

Floats = npt.NDArray[np.float64]

UNIFORM: Floats = np.full(N_EMOTIONS, 1 / N_EMOTIONS)
REMOVED = -1
DIMENSIONS = frozenset({"arousal", "valence", "dominance"})

NAMES = {
    **{name: INDEX[emotion] for name, emotion in GOEMOTIONS_EKMAN.items()},
    **{name: INDEX[name] for name in EMOTIONS},
    **dict.fromkeys(("neu", "calm"), INDEX["neutral"]),
    **dict.fromkeys(("hap", "happiness", "joyful"), INDEX["happy"]),
    **dict.fromkeys(("sa", "unhappy"), INDEX["sad"]),
    **dict.fromkeys(("ang", "mad"), INDEX["angry"]),
    **dict.fromkeys(("fea", "fearful", "scared"), INDEX["fear"]),
    **dict.fromkeys(("dis", "disgusted"), INDEX["disgust"]),
    **dict.fromkeys(("sur", "surprised"), INDEX["surprise"]),
    **dict.fromkeys(("contempt", "other", "others", "unknown", "unk", "emo_unknown"), REMOVED),
}
"""Every name that is understood; calm is neutral, as for RAVDESS; GoEmotions' 28 follow Ekman's grouping."""


@dataclass(frozen=True)
class LabelMap:
    """Where each output of a model belongs."""

    targets: tuple[int, ...]  # index into EMOTIONS, or REMOVED
    independent: bool  # each output is a yes or no of its own (sigmoid), not a share of one (softmax)

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Tell which of the seven (7,) the model knows at all."""
        return np.isin(np.arange(N_EMOTIONS), self.targets)


def label_map(names: Sequence[str], independent: bool = False) -> LabelMap:
    """Return where outputs called ``names`` belong; raises ModelError for a name that is not understood."""
    plain = [_plain(name) for name in names]
    if set(plain) <= DIMENSIONS:
        raise ModelError(
            f"the model predicts {', '.join(sorted(plain))} and no classes: choose one that has emotions"
        )
    unknown = [name for name, key in zip(names, plain, strict=True) if key not in NAMES]
    if unknown:
        raise ModelError(
            f"the labels {unknown} of the model are not understood: in a local copy, write names such as "
            f"{', '.join(EMOTIONS)} or other into id2label of config.json"
        )
    targets = tuple(NAMES[key] for key in plain)
    if all(target == REMOVED for target in targets):
        raise ModelError(f"none of the labels {list(names)} is one of the seven emotions")
    return LabelMap(targets, independent)


def _plain(name: str) -> str:
    return name.rsplit("/", 1)[-1].strip(" <>").lower()


def lifted(outputs: Floats, where: LabelMap, prior: Floats = UNIFORM) -> Predictions:
    """Return the seven probabilities, which sum to one, and the mass that was removed.

    ``outputs`` (n, labels) are softmax shares or, where ``where.independent``, sigmoid scores. Of scores, a
    class gets the largest among its labels: adding up would favour joy, which has twelve of them.
    """
    columns = np.zeros((N_EMOTIONS + 1, len(outputs)))  # the last one takes what is removed
    targets = np.array(where.targets) % (N_EMOTIONS + 1)
    gather = np.maximum if where.independent else np.add
    gather.at(columns, targets, outputs.T)
    seven = np.ascontiguousarray(columns.T)  # so that a row is summed in one order, alone or not
    total = seven.sum(axis=1, keepdims=True)
    shares = np.divide(seven, total, out=np.zeros_like(seven), where=total > 0)
    kept = shares[:, :N_EMOTIONS].sum(axis=1, keepdims=True)
    known, own = where.seen, prior[where.seen].sum()
    p = np.tile(prior, (len(outputs), 1))
    inside = np.divide(shares[:, :N_EMOTIONS], kept, out=p / own, where=kept > 0)
    p[:, known] = inside[:, known] * own
    return Predictions(p, np.clip(1.0 - kept[:, 0], 0.0, 1.0))
