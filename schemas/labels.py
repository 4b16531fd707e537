"""The seven emotions, their order, and the label maps of the corpora."""

from collections.abc import Sequence
from typing import Final

EMOTIONS: Final = ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
"""Every vector of probabilities in the project has this order."""

N_EMOTIONS: Final = len(EMOTIONS)

INDEX: Final = {name: i for i, name in enumerate(EMOTIONS)}

RAVDESS: Final = {
    "01": "neutral",
    "02": "neutral",  # calm: acted as a low-intensity neutral, counted as neutral
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}

MELD: Final = {
    "neutral": "neutral",
    "joy": "happy",
    "sadness": "sad",
    "anger": "angry",
    "fear": "fear",
    "disgust": "disgust",
    "surprise": "surprise",
}

FERPLUS_VOTES: Final = (
    "neutral",
    "happy",
    "surprise",
    "sad",
    "angry",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "not-a-face",
)
"""Column order of the FER+ votes; the last three have no place among the seven and are left out."""

GOEMOTIONS_EKMAN: Final = {
    "admiration": "happy",
    "amusement": "happy",
    "approval": "happy",
    "caring": "happy",
    "desire": "happy",
    "excitement": "happy",
    "gratitude": "happy",
    "joy": "happy",
    "love": "happy",
    "optimism": "happy",
    "pride": "happy",
    "relief": "happy",
    "sadness": "sad",
    "disappointment": "sad",
    "embarrassment": "sad",
    "grief": "sad",
    "remorse": "sad",
    "anger": "angry",
    "annoyance": "angry",
    "disapproval": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "nervousness": "fear",
    "surprise": "surprise",
    "realization": "surprise",
    "confusion": "surprise",
    "curiosity": "surprise",
    "neutral": "neutral",
}
"""The official grouping of GoEmotions into Ekman's classes."""

COLOURS: Final = {
    "neutral": "#c2c4c6",
    "happy": "#f0e442",
    "sad": "#0058df",
    "angry": "#e23400",
    "fear": "#77436d",
    "disgust": "#009c73",
    "surprise": "#50b3ff",
}
"""One colour per emotion, in plots, pages, dashboards and the terminal alike.

They start from those of Okabe and Ito ("Color universal design", 2008) and are moved apart: every two differ
by 20 or more in CAM02-UCS under full colour vision, deuteranopia and protanopia. A test holds this.
"""

MODALITY_COLOURS: Final = {"video": "#241a12", "audio": "#a07a4a", "text": "#f2e3c6"}
"""Three browns, dark to light: told apart in black and white, and from every emotion."""


def top(p: Sequence[float]) -> str:
    """Return the most probable emotion; of equals the first in label order."""
    return EMOTIONS[max(range(N_EMOTIONS), key=p.__getitem__)]
