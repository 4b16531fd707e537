"""What the modalities of a window contradict each other in, in words."""

from collections.abc import Mapping

from affectstream.schemas.labels import top
from affectstream.schemas.messages import FusedEmotion, Modality

DISAGREE = 0.3  # normalised Jensen-Shannon divergence from which modalities contradict each other
WORDS: dict[Modality, str] = {"video": "face", "text": "words", "audio": "voice"}  # in this order


def conflict(fused: FusedEmotion) -> str | None:
    """Return ``words neutral, voice angry``; None where the modalities agree, or differ by little.

    It names faces, voices and words by their most probable emotions, and makes no statement about a person.
    """
    if fused.disagreement < DISAGREE:
        return None
    tops = {state.modality: top(state.p) for state in fused.modalities if state.p is not None}
    return sides(tops) if len(set(tops.values())) > 1 else None


def sides(tops: Mapping[Modality, str]) -> str:
    """Return which modality has which label: ``face and words happy, voice angry``."""
    by_label: dict[str, list[str]] = {}
    for modality, word in WORDS.items():
        if modality in tops:
            by_label.setdefault(tops[modality], []).append(word)
    return ", ".join(f"{' and '.join(words)} {label}" for label, words in by_label.items())
