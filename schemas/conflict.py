"""What the modalities of a window contradict each other in, in words; pure, imports labels and messages."""

from schemas.labels import EMOTIONS
from schemas.messages import FusedEmotion, Modality

DISAGREE = 0.3  # normalised Jensen-Shannon divergence from which modalities are said to contradict each other
WORDS: dict[Modality, str] = {"video": "face", "text": "words", "audio": "voice"}  # in this order


def conflict(fused: FusedEmotion) -> str | None:
    """Return ``words neutral, voice angry``; None where the modalities agree, or differ by little.

    It names what was seen, heard and said, by the most probable emotion of each; it says nothing of a person.
    """
    if fused.disagreement < DISAGREE:
        return None
    tops = {state.modality: _top(state.p) for state in fused.modalities if state.p is not None}
    sides: dict[str, list[str]] = {}
    for modality, word in WORDS.items():
        if modality in tops:
            sides.setdefault(tops[modality], []).append(word)
    if len(sides) < 2:
        return None
    return ", ".join(f"{' and '.join(words)} {label}" for label, words in sides.items())


def _top(p: tuple[float, ...]) -> str:
    return EMOTIONS[p.index(max(p))]
