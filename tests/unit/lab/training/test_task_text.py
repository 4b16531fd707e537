"""The text network as a task: what an epoch holds, what it starts from, what is shipped, what is held out."""

import json
import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import BertConfig, BertModel

from affectstream.lab.calls.sentences import read_sentences
from affectstream.lab.datasets import texts
from affectstream.lab.datasets.texts import CALLS
from affectstream.lab.training import loop
from affectstream.lab.training.augment.texts import Turns, varied
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.networks.bert import TextNetwork
from affectstream.lab.training.recipe import RECIPE, TextRecipe, changed, shipped_recipe, write_recipe
from affectstream.lab.training.ship import ship, ship_bare
from affectstream.lab.training.ship_text import CALM
from affectstream.lab.training.tasks import text
from affectstream.lab.training.tasks.text import network, rows_of, start_folder, utterances
from affectstream.models.text.model import TextModel
from affectstream.models.text.network import packed
from affectstream.models.weights import FOLDER, checked_file, read_card, write_card
from affectstream.schemas.errors import InputError

GOOD = ("i love this", "so happy and glad", "wonderful great news", "love it thank you")
BAD = ("i hate this", "so angry and mad", "awful terrible news", "hate it go away")
NARROW = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TRAINING = [{"network": "text", "seed": 7}]


@pytest.fixture
def recipe(tmp_path: Path) -> TextRecipe:
    """A corpus of 40 dialogues and 80 comments, and a random encoder of two narrow layers to start from."""
    for folder in ("meld", "goemotions", "start"):
        (tmp_path / folder).mkdir()
    lines = ["Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"]
    comments = []
    for d in range(40):
        first = d // 4 % 2  # who speaks first says nothing about the emotion
        lines += [f"{GOOD[d % 4]},A,joy,{d},{first}", f"{BAD[d % 4]},B,anger,{d},{1 - first}"]
        comments += [f"{GOOD[d % 4]} {d}\t17\tg{d}", f"{BAD[d % 4]} {d}\t2\tb{d}"]
    for split in ("train", "dev"):
        (tmp_path / "meld" / f"{split}_sent_emo.csv").write_text("\n".join(lines))
        (tmp_path / "goemotions" / f"{split}.tsv").write_text("\n".join(comments))
    start = tmp_path / "start"
    source = (FOLDER / "text.tokenizer.json").read_text(encoding="utf-8")
    (start / "tokenizer.json").write_text(source, encoding="utf-8")
    torch.manual_seed(0)
    narrow = BertConfig(vocab_size=len(json.loads(source)["model"]["vocab"]), **NARROW)
    (start / "config.json").write_text(json.dumps(narrow.to_dict()))
    save_file(BertModel(narrow, add_pooling_layer=False).state_dict(), start / "model.safetensors")
    small = {"weights": str(start), "batch": 8, "goemotions_held": 0.2, "rate": 1e-3, "head_rate": 1e-2}
    share = {"layers": 0, "frozen": 0, "calls_times": 1, "meld_replayed": 60, "goemotions_replayed": 60}
    found = changed(shipped_recipe("text"), small | share | {"precision": "float32"})
    assert isinstance(found, TextRecipe)
    return found


@pytest.fixture
def continuing(recipe: TextRecipe, tmp_path: Path) -> TextRecipe:
    """The recipe with narrow text weights to continue, the lower of two layers as it is."""
    start = tmp_path / "before"
    start.mkdir()
    shutil.copy(FOLDER / "text.tokenizer.json", start)
    own = read_card("text")
    encoder = own.config["encoder"] | NARROW
    torch.manual_seed(0)
    save_file(packed(TextNetwork(encoder).state_dict()), start / "text.safetensors")
    config = own.config | {"encoder": encoder, "training": TRAINING}
    write_card("text", own.model_dump() | {"config": config}, start)
    found = changed(recipe, {"weights": str(start), "frozen": 1})
    assert isinstance(found, TextRecipe)
    return found


@pytest.fixture
def few_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    few = read_sentences("train")[::60]
    monkeypatch.setattr(text, "read_sentences", lambda part: few if part == "train" else few[:4])


def trained(
    recipe: TextRecipe, data: Path, folder: Path, report: loop.Report = lambda line: None
) -> nn.Module:
    folder.mkdir(exist_ok=True)
    corpus, material = utterances(data, recipe, data)
    task = material.task(corpus.parts[0], corpus.labels, recipe)
    return loop.train(network(recipe), recipe, task, folder, report)


@pytest.mark.proof
@pytest.mark.usefixtures("few_sentences")
def test_training_learns_a_tiny_corpus_and_ships(recipe: TextRecipe, tmp_path: Path) -> None:
    long = changed(recipe, {"epochs": 60})
    assert isinstance(long, TextRecipe)
    run = tmp_path / "run"
    net = trained(long, tmp_path, run)
    assert json.loads((run / "log.jsonl").read_text().splitlines()[-1])["accuracy"] > 0.9
    write_recipe(long, run / RECIPE)
    save_file(net.state_dict(), run / WEIGHTS)
    card = ship([run, run], tmp_path, tmp_path)
    path, kept = checked_file("text", tmp_path)
    assert kept == card
    assert path.stat().st_size < 1_000_000
    assert card.config["encoder"]["max_position_embeddings"] == 128
    assert card.trust == card.figures["meld_dev_uar"] > 0.9
    assert card.figures["goemotions_dev_accuracy"] > 0.9
    assert "weights" not in card.config["training"][0]


@pytest.mark.usefixtures("few_sentences")
def test_a_run_broken_off_and_resumed_ends_with_the_same_weights(recipe: TextRecipe, tmp_path: Path) -> None:
    short = changed(recipe, {"epochs": 2})
    assert isinstance(short, TextRecipe)
    whole = trained(short, tmp_path, tmp_path / "whole")

    def break_off(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(short, tmp_path, tmp_path / "parts", break_off)
    resumed = trained(short, tmp_path, tmp_path / "parts")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_an_epoch_holds_every_sentence_as_often_as_it_should_beside_a_part_of_the_corpora(
    recipe: TextRecipe, tmp_path: Path
) -> None:
    short = changed(recipe, {"epochs": 2, "meld_replayed": 30, "goemotions_replayed": 90, "calls_times": 2})
    corpus, material = utterances(tmp_path, short, tmp_path)
    task = material.task(corpus.parts[0], corpus.labels, short)
    rows = task.rows(0)
    counts = Counter(row.corpus for row in rows)
    assert counts == {0: 30, 1: 90, CALLS: 2 * len(read_sentences("train"))}
    assert rows == task.rows(0) != task.rows(1)
    first, second = (list(task.batches(0)) for _ in range(2))
    assert all(torch.equal(a.inputs[0], b.inputs[0]) for a, b in zip(first, second, strict=True))
    assert sum(len(b.targets) for b in first) == len(rows)
    assert len(first) == task.steps(0)


def test_nothing_that_is_learnt_is_held_out(recipe: TextRecipe, tmp_path: Path) -> None:
    meld, go, held = rows_of(tmp_path, recipe)
    assert not {r.group for r in [*meld, *go]} & {r.group for r in held}
    assert {r.corpus for r in held} == {0, 1}
    corpus, material = utterances(tmp_path, recipe, tmp_path)
    task = material.task(corpus.parts[0], corpus.labels, recipe)
    learnt = {row.group for epoch in range(recipe.epochs) for row in task.rows(epoch)}
    assert not learnt & {s.group for s in read_sentences("held")}
    part = corpus.parts[0]
    assert not learnt & {corpus.groups[i] for i in (*part.held, *part.test)}


def test_frozen_layers_and_word_vectors_stay_as_they_are(continuing: TextRecipe) -> None:
    moving = {name for name, p in network(continuing).named_parameters() if p.requires_grad}
    assert "bias" in moving
    assert "head.weight" in moving
    assert any(name.startswith("bert.encoder.layer.1.") for name in moving)
    assert not [n for n in moving if n.startswith(("bert.encoder.layer.0.", "bert.embeddings."))]


def test_training_starts_from_the_encoder_with_the_same_head_in_every_order(
    recipe: TextRecipe, tmp_path: Path
) -> None:
    first, second = (network(changed(recipe, {"order": order})).state_dict() for order in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    encoder = load_file(tmp_path / "start" / "model.safetensors")
    assert all(torch.equal(first[f"bert.{name}"], tensor) for name, tensor in encoder.items())


def test_training_starts_from_what_the_weights_give(continuing: TextRecipe) -> None:
    assert continuing.weights is not None
    start = TextModel(folder=Path(continuing.weights))
    start.load("cpu")
    prepared = start.prepare("I want a word with you", ("Yes?",))
    with torch.inference_mode():
        logits = network(continuing).eval()(torch.from_numpy(prepared[None]))
    p = (logits / start.temperatures([prepared])[0, 0]).softmax(1).numpy()
    assert p == pytest.approx(start.predict([prepared]).p, abs=2e-3)  # bfloat16 where it is quick


def test_a_run_ships_with_more_calm_and_temperatures_by_turns_and_for_comments(
    continuing: TextRecipe, tmp_path: Path
) -> None:
    made = network(continuing)
    assert isinstance(made, TextNetwork)
    with torch.no_grad():
        made.bias[0] = torch.arange(7.0)
    run = tmp_path / "run"
    run.mkdir()
    write_recipe(continuing, run / RECIPE)
    save_file(made.state_dict(), run / WEIGHTS)
    card = ship([run], tmp_path / "shipped", tmp_path)
    assert card.model_id == "text-bge/1"
    assert "sentences of service calls (train)" in card.data
    assert [t["network"] for t in card.config["training"]] == ["text", "text"]
    assert len(card.config["temperatures_by_turns"]) == 3
    assert card.temperature == card.config["temperatures_by_turns"][2]
    assert card.config["temperatures"].keys() == {"GoEmotions"}
    assert {"calls_written_neutral", "calls_recogniser_angry", "goemotions_dev_ece"} <= set(card.figures)
    ship_bare([run], tmp_path / "bare", tmp_path)
    states = [load_file(tmp_path / name / "text.safetensors") for name in ("shipped", "bare")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert read_card("text", tmp_path / "bare").figures == {}
    again = changed(continuing, {"weights": str(tmp_path / "shipped")})
    assert network(again).state_dict()["bias"].numpy() == pytest.approx(
        np.array([[CALM, *range(1, 7)]]), abs=0.05
    )  # as int8


def test_a_run_from_an_encoder_ships_the_words_that_are_needed(recipe: TextRecipe, tmp_path: Path) -> None:
    recipe = changed(recipe, {"layers": 1})
    made = network(recipe).eval()
    run = tmp_path / "run"
    run.mkdir()
    write_recipe(recipe, run / RECIPE)
    save_file(made.state_dict(), run / WEIGHTS)
    ship_bare([run], tmp_path / "bare", tmp_path)
    model = TextModel(folder=tmp_path / "bare")
    model.load("cpu")
    _, material = utterances(tmp_path, recipe, tmp_path)
    calm = np.array([CALM, *[0.0] * 6])
    assert read_card("text", tmp_path / "bare").config["encoder"]["num_hidden_layers"] == 1
    expected = material.logits(made, np.arange(4), recipe) + calm
    p = model.predict([model.prepare(row.text, row.context) for row in material.rows[:4]]).p
    assert p == pytest.approx(torch.from_numpy(expected).softmax(1).numpy(), abs=0.01)  # as int8


def test_a_share_of_the_weights_before_is_kept(continuing: TextRecipe, tmp_path: Path) -> None:
    made = network(continuing)
    before = made.state_dict()["bias"].clone()
    with torch.no_grad():
        made.bias[0] += torch.arange(7.0)
    run = tmp_path / "run"
    run.mkdir()
    write_recipe(changed(continuing, {"start_share": 0.25}), run / RECIPE)
    save_file(made.state_dict(), run / WEIGHTS)
    ship_bare([run], tmp_path / "bare", tmp_path)
    again = changed(continuing, {"weights": str(tmp_path / "bare")})
    expected = before.numpy() + 0.75 * np.arange(7.0) + CALM * (np.arange(7) == 0)
    assert network(again).state_dict()["bias"].numpy() == pytest.approx(expected, abs=0.05)  # as int8


def test_a_start_must_be_named_and_hold_what_is_said(recipe: TextRecipe, continuing: TextRecipe) -> None:
    with pytest.raises(InputError, match="--weights FOLDER"):
        start_folder(changed(recipe, {"weights": None}))
    with pytest.raises(InputError, match="start_share"):
        network(changed(recipe, {"start_share": 0.5}))
    with pytest.raises(InputError, match="has 2 layers, and 3 are to be taken"):
        network(changed(recipe, {"layers": 3}))
    assert recipe.weights is not None
    assert continuing.weights is not None
    (Path(recipe.weights) / "model.safetensors").write_bytes(b"half of a file")
    with pytest.raises(InputError, match="is missing or broken"):
        network(recipe)
    (Path(recipe.weights) / "config.json").unlink()
    with pytest.raises(InputError, match="holds no starting weights"):
        network(recipe)
    save_file({"bias": torch.zeros(1, 7)}, Path(continuing.weights) / "text.safetensors")
    with pytest.raises(InputError, match="holds no text weights"):
        network(continuing)


@pytest.mark.parametrize("rows", [1, 8, 9, 320, 321, 1000])
def test_batches_are_counted_before_they_are_made(rows: int) -> None:
    window = 8 * 40
    cut = [min(window, rows - i) for i in range(0, rows, window)]
    assert texts.batch_count(rows, 8) == sum(len(np.arange(0, n, 8)) for n in cut)


def test_a_cap_leaves_rare_classes_whole() -> None:
    rows = [texts.Row(str(i), (), 0 if i < 30 else 4, 1, str(i)) for i in range(35)]
    kept = texts.capped(rows, 10, seed=1)
    assert [sum(r.label == c for r in kept) for c in (0, 4)] == [10, 5]


def test_a_style_leaves_the_label_and_takes_the_marks() -> None:
    sentence = "No, I said: twice!"
    styles = {varied(sentence, random.Random(seed)) for seed in range(40)}
    assert sentence in styles
    assert "no i said twice" in styles
    assert len(styles) > 4


def test_turns_around_a_sentence_are_neutral_or_of_its_own_conversation() -> None:
    sentences = read_sentences("train")
    turns = Turns(sentences, prefaced=1.0, in_context=1.0)
    angry = next(s for s in sentences if s.intent == "complaint")
    written = {s.text: s for s in sentences}
    seen = 0
    for seed in range(200):
        row = turns.drawn(angry, random.Random(seed))
        assert (row.label, row.corpus, row.group) == (angry.label, CALLS, angry.group)
        assert 1 <= len(row.context) <= 2
        for turn in row.context:
            if turn in written:
                seen += 1
                assert written[turn].label == 0 or written[turn].group == angry.group
                assert turn != angry.text
    assert seen > 50
