"""The shipped text network as a task: it learns, resumes, ships, and keeps held-out rows apart."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import BertConfig, BertModel

from affectstream.lab.datasets import texts
from affectstream.lab.training import loop
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, TextRecipe, changed, shipped_recipe, write_recipe
from affectstream.lab.training.ship import ship
from affectstream.lab.training.tasks.text import (
    START_PACKAGE,
    conversations,
    network,
    rows_of,
    start_folder,
)
from affectstream.models.weights import FOLDER, checked_file
from affectstream.schemas.errors import InputError

GOOD = ("i love this", "so happy and glad", "wonderful great news", "love it thank you")
BAD = ("i hate this", "so angry and mad", "awful terrible news", "hate it go away")


@pytest.fixture
def recipe(tmp_path: Path) -> TextRecipe:
    """A corpus of 40 dialogues and 80 comments, and a random encoder of two narrow layers to start from."""
    (tmp_path / "meld").mkdir()
    (tmp_path / "goemotions").mkdir()
    lines = ["Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"]
    comments = []
    for d in range(40):
        first = d // 4 % 2  # who speaks first says nothing about the emotion
        lines += [f"{GOOD[d % 4]},A,joy,{d},{first}", f"{BAD[d % 4]},B,anger,{d},{1 - first}"]
        comments += [f"{GOOD[d % 4]} {d}\t17\tg{d}", f"{BAD[d % 4]} {d}\t2\tb{d}"]
    for split in ("train", "dev"):
        (tmp_path / "meld" / f"{split}_sent_emo.csv").write_text("\n".join(lines))
    for split in ("train", "dev"):
        (tmp_path / "goemotions" / f"{split}.tsv").write_text("\n".join(comments))
    start = tmp_path / "start"
    start.mkdir()
    source = (FOLDER / "text.tokenizer.json").read_text(encoding="utf-8")
    (start / "tokenizer.json").write_text(source, encoding="utf-8")
    words = len(json.loads(source)["model"]["vocab"])
    torch.manual_seed(0)
    narrow = BertConfig(
        vocab_size=words, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    (start / "config.json").write_text(json.dumps(narrow.to_dict()))
    save_file(BertModel(narrow, add_pooling_layer=False).state_dict(), start / "model.safetensors")
    small = {"weights": str(start), "batch": 8, "goemotions_held": 0.2, "rate": 1e-3, "head_rate": 1e-2}
    found = changed(shipped_recipe("text"), small)
    assert isinstance(found, TextRecipe)
    return found


def trained(
    recipe: TextRecipe, data: Path, folder: Path, report: loop.Report = lambda line: None
) -> nn.Module:
    folder.mkdir(exist_ok=True)
    corpus, material = conversations(data, recipe, data)
    task = material.task(corpus.parts[0], corpus.labels, recipe)
    return loop.train(network(recipe), recipe, task, folder, report)


@pytest.mark.proof
def test_training_learns_a_tiny_corpus_and_ships(recipe: TextRecipe, tmp_path: Path) -> None:
    long = changed(recipe, {"epochs": 40})
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


def test_the_shipped_recipe_takes_the_steps_that_the_shipped_weights_were_trained_with(
    recipe: TextRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []
    step = loop._step
    monkeypatch.setattr(loop, "_step", lambda *given: losses.append(step(*given)) or losses[-1])
    short = changed(recipe, {"epochs": 2})
    assert isinstance(short, TextRecipe)
    trained(short, tmp_path, tmp_path / "run")
    assert len(losses) == 26
    assert losses[:4] == pytest.approx([2.158018, 2.212959, 1.770437, 1.661546], abs=1e-3)  # of that loop
    assert losses[-2:] == pytest.approx([0.778774, 0.839304], abs=1e-3)


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


def test_held_out_dialogues_are_never_trained_on(recipe: TextRecipe, tmp_path: Path) -> None:
    meld, go, held = rows_of(tmp_path, recipe)
    assert not {r.group for r in [*meld, *go]} & {r.group for r in held}
    assert {r.corpus for r in held} == {0, 1}


def test_epochs_are_the_same_every_time_and_hold_each_row_as_often_as_they_should(
    recipe: TextRecipe, tmp_path: Path
) -> None:
    corpus, material = conversations(tmp_path, recipe, tmp_path)
    task = material.task(corpus.parts[0], corpus.labels, recipe)
    first, second = ([b for epoch in range(3) for b in task.batches(epoch)] for _ in range(2))
    assert all(torch.equal(a.inputs[0], b.inputs[0]) for a, b in zip(first, second, strict=True))
    meld, go, _ = rows_of(tmp_path, recipe)
    assert sum(len(b.targets) for b in first) == len(meld) * 3 + len(go)
    assert len(first) == sum(task.steps(epoch) for epoch in range(3))


@pytest.mark.parametrize("rows", [1, 8, 9, 320, 321, 1000])
def test_batches_are_counted_before_they_are_made(rows: int) -> None:
    window = 8 * 40
    cut = [min(window, rows - i) for i in range(0, rows, window)]
    assert texts.batch_count(rows, 8) == sum(len(np.arange(0, n, 8)) for n in cut)


def test_a_cap_leaves_rare_classes_whole() -> None:
    rows = [texts.Row(str(i), (), 0 if i < 30 else 4, 1, str(i)) for i in range(35)]
    kept = texts.capped(rows, 10, seed=1)
    assert [sum(r.label == c for r in kept) for c in (0, 4)] == [10, 5]


def test_a_missing_starting_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{start_folder.__module__}.START_PACKAGE", f"{START_PACKAGE}_absent")
    with pytest.raises(InputError, match="--weights"):
        start_folder(shipped_recipe("text"))
