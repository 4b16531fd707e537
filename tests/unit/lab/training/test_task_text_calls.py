"""Text weights continued on sentences of calls: what an epoch holds, what stays fixed, what is shipped."""

import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from affectstream.lab.calls.sentences import read_sentences
from affectstream.lab.training.augment.texts import Turns, varied
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.networks.minilm import CALLS, CORPORA, TextNetwork
from affectstream.lab.training.recipe import RECIPE, CallsRecipe, changed, shipped_recipe, write_recipe
from affectstream.lab.training.ship import ship, ship_bare
from affectstream.lab.training.ship_text import CALM
from affectstream.lab.training.tasks.text_calls import calls, network
from affectstream.models.text.model import TextModel
from affectstream.models.text.network import packed
from affectstream.models.weights import FOLDER, read_card, write_card
from affectstream.schemas.errors import InputError

NARROW = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TRAINING = [{"network": "text", "seed": 7}]


@pytest.fixture
def recipe(tmp_path: Path) -> CallsRecipe:
    """A corpus of 40 dialogues and 80 comments, and narrow text weights to continue."""
    for corpus in ("meld", "goemotions", "start"):
        (tmp_path / corpus).mkdir()
    lines = ["Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"]
    lines += [f"turn {i} of {d},A,{('joy', 'anger', 'fear')[i]},{d},{i}" for d in range(40) for i in range(3)]
    comments = [f"comment {i}\t{(17, 2)[i % 2]}\tg{i}" for i in range(80)]
    for split in ("train", "dev"):
        (tmp_path / "meld" / f"{split}_sent_emo.csv").write_text("\n".join(lines))
        (tmp_path / "goemotions" / f"{split}.tsv").write_text("\n".join(comments))
    start = tmp_path / "start"
    shutil.copy(FOLDER / "text.tokenizer.json", start)
    own = read_card("text")
    encoder = own.config["encoder"] | NARROW
    torch.manual_seed(0)
    save_file(packed(TextNetwork(encoder).state_dict()), start / "text.safetensors")
    config = own.config | {"encoder": encoder, "training": TRAINING}
    write_card("text", own.model_dump() | {"config": config}, start)
    found = changed(
        shipped_recipe("text-calls"), {"weights": str(start), "goemotions_held": 0.2, "frozen": 1}
    )
    assert isinstance(found, CallsRecipe)
    return found


def test_an_epoch_holds_every_sentence_as_often_as_it_should_beside_a_part_of_the_corpora(
    recipe: CallsRecipe, tmp_path: Path
) -> None:
    short = changed(recipe, {"epochs": 2, "meld_replayed": 30, "goemotions_replayed": 90, "calls_times": 2})
    corpus, material = calls(tmp_path, short, tmp_path)
    task = material.task(corpus.parts[0], corpus.labels, short)
    rows = task.rows(0)
    counts = Counter(row.corpus for row in rows)
    assert counts == {0: 30, 1: 90, CALLS: 2 * len(read_sentences("train"))}
    assert rows == task.rows(0) != task.rows(1)
    assert sum(len(b.targets) for b in task.batches(0)) == len(rows)
    assert len(list(task.batches(0))) == task.steps(0)


def test_nothing_that_is_learnt_is_held_out(recipe: CallsRecipe, tmp_path: Path) -> None:
    corpus, material = calls(tmp_path, recipe, tmp_path)
    task = material.task(corpus.parts[0], corpus.labels, recipe)
    learnt = {row.group for epoch in range(recipe.epochs) for row in task.rows(epoch)}
    assert not learnt & {s.group for s in read_sentences("held")}
    part = corpus.parts[0]
    assert not learnt & {corpus.groups[i] for i in (*part.held, *part.test)}


def test_replayed_rows_are_learnt_as_the_teacher_answers_and_sentences_as_they_are_labelled(
    recipe: CallsRecipe, tmp_path: Path
) -> None:
    assert recipe.weights is not None
    taught = changed(recipe, {"teachers": recipe.weights, "taught": 1.0, "precision": "float32"})
    corpus, material = calls(tmp_path, taught, tmp_path)
    batch = next(
        b
        for b in material.task(corpus.parts[0], corpus.labels, taught).batches(0)
        if 0 < (b.inputs[1] == CALLS).sum() < len(b.targets)
    )
    spoken = batch.inputs[1] == CALLS
    assert set(batch.targets[spoken].flatten().tolist()) == {0.0, 1.0}
    with torch.no_grad():
        answers = network(taught).eval()(*batch.inputs).softmax(1)
    assert batch.targets[~spoken].numpy() == pytest.approx(answers[~spoken].numpy(), abs=1e-5)
    assert batch.targets.sum(1).numpy() == pytest.approx(1.0, abs=1e-5)


def test_a_teacher_with_another_vocabulary_is_refused(recipe: CallsRecipe, tmp_path: Path) -> None:
    assert recipe.weights is not None
    other = tmp_path / "other"
    shutil.copytree(recipe.weights, other)
    own = read_card("text", other)
    config = own.config | {"tokenizer_sha256": "0" * 64}
    write_card("text", own.model_dump() | {"config": config}, other)
    taught = changed(recipe, {"teachers": str(other)})
    corpus, material = calls(tmp_path, taught, tmp_path)
    with pytest.raises(InputError, match="different vocabularies"):
        material.task(corpus.parts[0], corpus.labels, taught)


def test_frozen_layers_and_word_vectors_stay_as_they_are(recipe: CallsRecipe) -> None:
    moving = {name for name, p in network(recipe).named_parameters() if p.requires_grad}
    assert "bias" in moving
    assert "head.weight" in moving
    assert any(name.startswith("bert.encoder.layer.1.") for name in moving)
    assert not [n for n in moving if n.startswith(("bert.encoder.layer.0.", "bert.embeddings."))]


def test_training_starts_from_what_the_weights_give(recipe: CallsRecipe) -> None:
    assert recipe.weights is not None
    start = TextModel(folder=Path(recipe.weights))
    start.load("cpu")
    prepared = start.prepare("I want a word with you", ("Yes?",))
    made = network(recipe).eval()
    with torch.inference_mode():
        for corpus in range(len(CORPORA)):
            logits = made(torch.from_numpy(prepared[None]), torch.tensor([corpus]))
            p = (logits / start.temperatures([prepared])[0, 0]).softmax(1).numpy()
            assert p == pytest.approx(start.predict([prepared]).p, abs=2e-3)  # bfloat16 where it is quick


def test_a_run_ships_with_more_calm_and_temperatures_by_turns_and_for_comments(
    recipe: CallsRecipe, tmp_path: Path
) -> None:
    made = network(recipe)
    assert isinstance(made, TextNetwork)
    with torch.no_grad():
        made.bias[0] = torch.arange(7.0)
    run = tmp_path / "run"
    run.mkdir()
    write_recipe(recipe, run / RECIPE)
    save_file(made.state_dict(), run / WEIGHTS)
    card = ship([run], tmp_path / "shipped", tmp_path)
    assert card.model_id == "text-minilm/8"
    assert "sentences of service calls (train)" in card.data
    assert [t["network"] for t in card.config["training"]] == ["text", "text-calls"]
    assert len(card.config["temperatures_by_turns"]) == 3
    assert card.temperature == card.config["temperatures_by_turns"][2]
    assert card.config["temperatures"].keys() == {"GoEmotions"}
    assert {"calls_written_neutral", "calls_recogniser_angry", "goemotions_dev_ece"} <= set(card.figures)
    ship_bare([run], tmp_path / "bare", tmp_path)
    states = [load_file(tmp_path / name / "text.safetensors") for name in ("shipped", "bare")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert read_card("text", tmp_path / "bare").figures == {}
    again = changed(recipe, {"weights": str(tmp_path / "shipped")})
    assert network(again).state_dict()["bias"].numpy() == pytest.approx(
        np.array([[CALM, *range(1, 7)]]), abs=0.05
    )  # as int8


def test_a_share_of_the_weights_before_is_kept(recipe: CallsRecipe, tmp_path: Path) -> None:
    made = network(recipe)
    before = made.state_dict()["bias"].clone()
    with torch.no_grad():
        made.bias[0] += torch.arange(7.0)
    run = tmp_path / "run"
    run.mkdir()
    write_recipe(changed(recipe, {"start_share": 0.25}), run / RECIPE)
    save_file(made.state_dict(), run / WEIGHTS)
    ship_bare([run], tmp_path / "bare", tmp_path)
    again = changed(recipe, {"weights": str(tmp_path / "bare")})
    expected = before.numpy() + 0.75 * np.arange(7.0) + CALM * (np.arange(7) == 0)
    assert network(again).state_dict()["bias"].numpy() == pytest.approx(expected, abs=0.05)  # as int8


def test_weights_to_continue_must_be_named_and_be_text_weights(recipe: CallsRecipe, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--weights FOLDER"):
        network(changed(recipe, {"weights": None}))
    assert recipe.weights is not None
    save_file({"bias": torch.zeros(1, 7)}, Path(recipe.weights) / "text.safetensors")
    with pytest.raises(InputError, match="holds no text weights"):
        network(recipe)


def test_a_style_leaves_the_label_and_takes_the_marks() -> None:
    text = "No, I said: twice!"
    styles = {varied(text, random.Random(seed)) for seed in range(40)}
    assert text in styles
    assert "no i said twice" in styles
    assert len(styles) > 4


def test_turns_around_a_sentence_are_neutral_or_of_its_own_conversation() -> None:
    sentences = read_sentences("train")
    turns = Turns(sentences, prefaced=1.0, in_context=1.0)
    angry = next(s for s in sentences if s.intent == "complaint")
    texts = {s.text: s for s in sentences}
    seen = 0
    for seed in range(200):
        row = turns.drawn(angry, random.Random(seed))
        assert (row.label, row.corpus, row.group) == (angry.label, CALLS, angry.group)
        assert 1 <= len(row.context) <= 2
        for turn in row.context:
            if turn in texts:  # as written
                seen += 1
                assert texts[turn].label == 0 or texts[turn].group == angry.group
                assert turn != angry.text
    assert seen > 50


def test_the_recipe_keeps_the_dialogues_held_out_that_the_weights_before_held_out() -> None:
    first, second = shipped_recipe("text"), shipped_recipe("text-calls")
    assert (first.held_out, first.seed) == (second.held_out, second.seed)
