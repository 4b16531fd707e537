"""Shares of sentences of calls that are read as they should be, with intervals over topics."""

import numpy as np
import pytest

from affectstream.lab.calls.sentences import ANGRY_INTENTS, in_style, read_sentences
from affectstream.lab.evaluation.sentences import SHARES, STYLES, on_corrections, outcomes, targets
from affectstream.lab.evaluation.tasks.text import temperature_of_comments
from affectstream.models.protocol import Predictions
from affectstream.models.weights import read_card
from affectstream.schemas.labels import EMOTIONS, INDEX


class Reader:
    """Reads every text as ``answers`` says, by the text."""

    def __init__(self, answers: dict[str, int]) -> None:
        self._answers = answers

    def prepare(self, text: str) -> str:
        return text

    def temperatures(self, prepared: list[str]) -> np.ndarray:
        return np.ones((len(prepared), 1))

    def predict(self, prepared: list[str]) -> Predictions:
        p = np.full((len(prepared), 7), 0.05)
        p[np.arange(len(prepared)), [self._answers[text] for text in prepared]] = 0.7
        return Predictions.of(p)


def reader(answer: dict[str, str]) -> Reader:
    """Return a model that gives each intent the emotion in ``answer``, else the right one."""
    judged = [*read_sentences("held"), *read_sentences("corrections")]
    kept = [s for style in STYLES for s in in_style(judged, style)]
    return Reader({s.text: INDEX[answer[s.intent]] if s.intent in answer else s.label for s in kept})


def test_a_model_that_is_right_meets_every_demand_in_both_styles() -> None:
    found = outcomes(reader({}))  # type: ignore[arg-type]
    assert [o.about.name.rpartition(", ")[2] for o in found] == ["written", "recogniser"]
    lines = [line for outcome in found for line in targets(outcome, draws=20)]
    assert len(lines) == 6
    assert all(line.met for line in lines)
    assert all(line.reached == "1.000 [1.000, 1.000]" for line in lines)
    assert {line.groups for line in lines if "angry" in line.figure} == {
        len({s.group for s in read_sentences("held") if s.intent in ANGRY_INTENTS and s.style == "written"}),
        len({s.group for s in read_sentences("held") if s.intent in ANGRY_INTENTS}),
    }


def test_a_share_counts_the_sentences_of_its_intents_alone() -> None:
    answer = {"complaint": "sad", "greeting": "happy"}
    found = outcomes(reader(answer))[1]  # type: ignore[arg-type]
    kept = read_sentences("held")
    neutral = [s.intent == "greeting" for s in kept if EMOTIONS[s.label] == "neutral"]
    angry = [s.intent == "escalation" for s in kept if s.intent in ANGRY_INTENTS]
    shares = [share.of(found, draws=20)[0].value for share in SHARES]
    assert shares == pytest.approx([1 - np.mean(neutral), np.mean(angry), 1.0])


def test_mistakes_that_are_put_right_are_judged_by_themselves() -> None:
    found = on_corrections(reader({"statement": "angry"}))  # type: ignore[arg-type]
    lines = targets(found, draws=20)
    assert [line.figure.rpartition(", ")[2] for line in lines] == ["mistakes put right"] * 3
    kept = read_sentences("corrections")
    calm = [s.intent != "statement" for s in kept if EMOTIONS[s.label] == "neutral"]
    assert [line.met for line in lines] == [False, True, True]
    assert lines[0].reached.startswith(f"{np.mean(calm):.3f} ")
    assert lines[0].items == len(calm)


@pytest.mark.parametrize(
    ("config", "temperature"),
    [
        ({}, 1.5),
        ({"temperatures_by_turns": [1.7, 1.4, 1.3]}, 1.7),
        ({"temperatures": {"GoEmotions": 0.9}}, 0.9),
    ],
)
def test_comments_have_the_temperature_of_a_lone_utterance_where_the_card_names_none(
    config: dict[str, object], temperature: float
) -> None:
    card = read_card("text").model_copy(update={"config": config, "temperature": 1.5})
    assert temperature_of_comments(card) == temperature
