"""How the text model labels held-out sentences of service calls, one by one, by what they do."""

from collections.abc import Sequence
from typing import get_args

import numpy as np

from affectstream.lab.calls.judge import Figures, share
from affectstream.lab.calls.sentences import ANGRY_INTENTS, Sentence, Style, in_style, read_sentences
from affectstream.models.text.model import TextModel
from affectstream.schemas.labels import EMOTIONS, INDEX

STYLES = get_args(Style)
NEGATIVE = ("angry", "disgust", "sad")
GROUPS = ("neutral", "complaints", "other emotions")
SPARSE = 20  # of sentences, in a quick look


def wording(quick: bool = False) -> dict[str, Figures]:
    """Return the figures of the shipped text model by style and group of intents.

    ``quick``: of one sentence in twenty.
    """
    model = TextModel(rows=1)
    model.load("cpu")
    held = read_sentences("held")[:: SPARSE if quick else 1]
    figures = {}
    for style in STYLES:
        sentences = in_style(held, style)
        labels = model.predict([model.prepare(each.text) for each in sentences]).p.argmax(axis=1)
        for group in GROUPS:
            inside = np.array([_group(each) == group for each in sentences])
            figures[f"words/{style}: {group}"] = _judged(
                [each for each in sentences if _group(each) == group], labels[inside].tolist()
            )
    return figures


def _group(sentence: Sentence) -> str:
    if sentence.intent in ANGRY_INTENTS:
        return "complaints"
    return "neutral" if EMOTIONS[sentence.label] == "neutral" else "other emotions"


def _judged(sentences: Sequence[Sentence], labels: Sequence[int]) -> Figures:
    n = len(sentences)
    right = sum(each.label == label for each, label in zip(sentences, labels, strict=True))
    return {
        "sentences": n,
        "right": share(right, n),
        "angry": share(labels.count(INDEX["angry"]), n),
        "angry, disgust or sad": share(sum(EMOTIONS[label] in NEGATIVE for label in labels), n),
        "neutral": share(labels.count(INDEX["neutral"]), n),
    }
