"""The sentence about modalities that contradict each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.observations import final

from affectstream.schemas.conflict import DISAGREE, conflict
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState


def said(label: str) -> tuple[float, ...]:
    return tuple(0.7 if name == label else 0.05 for name in EMOTIONS)


def window(disagreement: float = 0.5, **labels: str | None) -> FusedEmotion:
    states = [
        ModalityState(modality=m, state="present" if label else "missing", p=said(label) if label else None)
        for m, label in labels.items()
    ]
    return final(1000, said("neutral"), disagreement=disagreement, modalities=tuple(states))


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        pytest.param({"audio": "angry", "text": "neutral"}, "words neutral, voice angry", id="two"),
        pytest.param(
            {"video": "happy", "audio": "sad", "text": "sad"},
            "face happy, words and voice sad",
            id="two to one",
        ),
        pytest.param(
            {"video": "happy", "audio": "sad", "text": "happy"},
            "face and words happy, voice sad",
            id="one apart",
        ),
        pytest.param(
            {"video": "happy", "audio": "sad", "text": "fear"},
            "face happy, words fear, voice sad",
            id="three",
        ),
        pytest.param({"video": "happy", "audio": "happy"}, None, id="the same tops"),
        pytest.param({"video": "happy", "audio": None}, None, id="one alone"),
        pytest.param({}, None, id="nobody"),
    ],
)
def test_a_window_in_conflict_says_who_says_what(labels: dict[str, str | None], sentence: str | None) -> None:
    assert conflict(window(**labels)) == sentence


def test_below_the_threshold_nothing_is_said() -> None:
    assert conflict(window(DISAGREE, audio="angry", text="neutral"))
    assert conflict(window(DISAGREE - 1e-6, audio="angry", text="neutral")) is None


label = st.one_of(st.none(), st.sampled_from(EMOTIONS))


@given(video=label, audio=label, text=label)
def test_everything_that_spoke_is_named_once(video: str | None, audio: str | None, text: str | None) -> None:
    sentence = conflict(window(video=video, audio=audio, text=text))
    spoke = {"face": video, "voice": audio, "words": text}
    if sentence is None:
        assert len({said_ for said_ in spoke.values() if said_}) < 2
        return
    for word, of_it in spoke.items():
        assert sentence.split().count(word) + sentence.split().count(f"{word},") == (of_it is not None)
