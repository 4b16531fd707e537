"""The text model: the same bits however batched, calibrated distributions, errors; on the shipped weights."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from affectstream.models.text import model as text_model
from affectstream.models.text.model import TextModel
from affectstream.models.weights import FOLDER
from affectstream.schemas.errors import InputError, ModelError
from affectstream.schemas.labels import EMOTIONS

TURNS = (
    ("I can't believe you did that to me!", ()),
    ("Yes.", ("Did you call them?", "I did, twice, and nobody answered the phone.")),
    ("Thank you so much, this is wonderful news.", ("Your refund is on its way.",)),
    ("Well, the thing is that " + "we have been waiting and waiting " * 12, ("Hello?", "Go on.")),
    ("I am so sorry, she died last night.", ()),
    ("Okay.", ()),
    ("What?! Are you serious?", ("They want it all back.",)),
)


@pytest.fixture(scope="module")
def model() -> TextModel:
    made = TextModel()
    made.load("cpu")
    return made


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 8])
def test_the_same_text_gives_the_same_bits_alone_and_in_any_batch(
    rows: int, kind: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_model, "product_type", lambda device: kind)
    model = TextModel(rows=rows)
    model.load("cpu")
    prepared = [model.prepare(text, context) for text, context in TURNS] * 2
    alone = np.concatenate([model.predict([p]).p for p in prepared])
    together = model.predict(prepared).p
    order = np.random.default_rng(0).permutation(len(prepared))
    shuffled = model.predict([prepared[i] for i in order]).p
    assert alone.tobytes() == together.tobytes()
    assert shuffled.tobytes() == together[order].tobytes()


def test_rows_are_distributions(model: TextModel) -> None:
    got = model.predict([model.prepare(text, context) for text, context in TURNS]).p
    assert got.shape == (len(TURNS), 7)
    assert np.allclose(got.sum(axis=1), 1.0, atol=1e-9)
    assert (got > 0).all()


def test_plain_cases_are_read_as_a_person_would(model: TextModel) -> None:
    cases = {
        "Thank you so much, I love it!": "happy",
        "I am so angry with you right now!": "angry",
        "I'm so sad that he died.": "sad",
        "I'm terrified of what could happen.": "fear",
        "The office is on the second floor.": "neutral",
    }
    got = model.predict([model.prepare(text) for text in cases]).p
    assert [EMOTIONS[i] for i in got.argmax(axis=1)] == list(cases.values())


def test_sentences_of_calls_that_were_reported_as_misread_are_read_right(model: TextModel) -> None:
    cases = {
        "Thank you for calling, how can I help you today?": "neutral",
        "What is your account number?": "neutral",
        "I want to speak to your manager right now.": "angry",
        "This is the third time I've called about this and nobody has fixed it.": "angry",
    }
    got = model.predict([model.prepare(text) for text in cases]).p
    assert [EMOTIONS[i] for i in got.argmax(axis=1)] == list(cases.values())


def test_context_changes_what_is_read(model: TextModel) -> None:
    alone, after = model.predict([model.prepare("Yes."), model.prepare("Yes.", ("You won the lottery!!",))]).p
    assert not np.array_equal(alone, after)


def test_an_utterance_has_the_temperature_of_its_number_of_turns(copied: Path) -> None:
    contexts = ((), ("Yes?",), ("Hello?", "Go on."), ("Hm.", "Hello?", "Go on."), ("", "Go on."))
    said = {}
    for own in ([1.0, 1.0, 1.0], [2.0, 1.5, 0.5]):
        path = copied / "text.json"
        kept = json.loads(path.read_text())
        kept["config"]["temperatures_by_turns"] = own
        path.write_text(json.dumps(kept))
        model = TextModel(folder=copied, rows=4)
        model.load("cpu")
        prepared = [model.prepare("It is broken again.", context) for context in contexts]
        said[own[0]] = np.log(model.predict(prepared).p)
        assert model.temperatures(prepared)[:, 0].tolist() == [*own, own[2], own[1]]
    plain, cooled = (rows - rows[:, :1] for rows in said.values())
    np.testing.assert_allclose(cooled, plain / np.array([2.0, 1.5, 0.5, 0.5, 1.5])[:, None], atol=1e-6)


def test_a_card_with_another_number_of_temperatures_is_refused(copied: Path) -> None:
    kept = json.loads((copied / "text.json").read_text())
    kept["config"]["temperatures_by_turns"] = [1.2, 1.1]
    (copied / "text.json").write_text(json.dumps(kept))
    with pytest.raises(ModelError, match="3 temperatures"):
        TextModel(folder=copied)


def test_nothing_in_gives_nothing_out(model: TextModel) -> None:
    assert model.predict([]).p.shape == (0, 7)


def test_another_shape_is_refused(model: TextModel) -> None:
    with pytest.raises(InputError, match="prepared"):
        model.predict([np.zeros((2, 17), dtype=np.int64)])


def test_an_answer_before_load_is_refused() -> None:
    fresh = TextModel()
    with pytest.raises(ModelError, match="load"):
        fresh.predict([fresh.prepare("hello")])


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("text.safetensors", "text.tokenizer.json", "text.json"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


def test_a_changed_vocabulary_is_refused(copied: Path) -> None:
    with (copied / "text.tokenizer.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ModelError, match="sha256"):
        TextModel(folder=copied)


def test_changed_weights_are_refused(copied: Path) -> None:
    model = TextModel(folder=copied)
    with (copied / "text.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match="sha256"):
        model.load("cpu")


def test_missing_files_are_named(copied: Path) -> None:
    (copied / "text.tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"text\.tokenizer\.json"):
        TextModel(folder=copied)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ModelError, match="nowhere"):
        TextModel().load("nowhere")
