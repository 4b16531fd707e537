"""Training of the text model on a tiny corpus: it learns, resumes, ships, and keeps held-out rows apart."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

from affectstream.lab.datasets import texts as corpus
from affectstream.lab.text.network import TextNetwork
from affectstream.lab.text.ship import write
from affectstream.lab.text.start import START_PACKAGE, start_folder
from affectstream.lab.text.train import Settings, plan, rate_at, rows_of, step_loss, train
from affectstream.models.text.tokenise import Tokeniser
from affectstream.models.weights import FOLDER, checked_file
from affectstream.schemas.errors import InputError

GOOD = ("i love this", "so happy and glad", "wonderful great news", "love it thank you")
BAD = ("i hate this", "so angry and mad", "awful terrible news", "hate it go away")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A corpus of 40 dialogues and 80 comments, and a random encoder of two narrow layers to start from."""
    (tmp_path / "meld").mkdir()
    (tmp_path / "goemotions").mkdir()
    lines = ["Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"]
    comments = []
    for d in range(40):
        first = d // 4 % 2  # who speaks first says nothing about the emotion
        lines += [f"{GOOD[d % 4]},A,joy,{d},{first}", f"{BAD[d % 4]},B,anger,{d},{1 - first}"]
        comments += [f"{GOOD[d % 4]} {d}\t17\tg{d}", f"{BAD[d % 4]} {d}\t2\tb{d}"]
    (tmp_path / "meld" / "train_sent_emo.csv").write_text("\n".join(lines))
    (tmp_path / "goemotions" / "train.tsv").write_text("\n".join(comments))
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
    return Settings(
        data=str(tmp_path),
        out=str(tmp_path / "run"),
        start=str(start),
        batch=8,
        goemotions_held=0.2,
        meld_epochs=40,
        lr=1e-3,
        head_lr=1e-2,
    )


def logged(settings: Settings) -> list[dict[str, float]]:
    return [json.loads(line) for line in (Path(settings.out) / "log.jsonl").read_text().splitlines()]


def test_training_learns_a_tiny_corpus_and_ships(settings: Settings, tmp_path: Path) -> None:
    train(settings, Console(quiet=True))
    last = logged(settings)[-1]
    assert last["meld_weighted_f1"] > 0.9
    assert last["goemotions_weighted_f1"] > 0.9
    held = write([Path(settings.out), Path(settings.out)], tmp_path, flatten=0.2)
    assert held
    path, card = checked_file("text", tmp_path)
    assert path.stat().st_size < 1_000_000
    assert card.config["encoder"]["max_position_embeddings"] == 128


def test_a_run_broken_off_and_resumed_ends_with_the_same_weights(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(settings, meld_epochs=1, checkpoint_every=5)
    train(short, Console(quiet=True))
    broken = replace(short, out=settings.out + "-broken")
    steps = iter(range(7))

    def breaks_off(network: TextNetwork, batch: corpus.Batch, mixed: bool) -> torch.Tensor:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return step_loss(network, batch, mixed)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("affectstream.lab.text.train.step_loss", breaks_off)
        train(broken, Console(quiet=True))
    train(broken, Console(quiet=True))
    whole, resumed = (
        torch.load(Path(s.out) / "checkpoint.pt", weights_only=True)["network"] for s in (short, broken)
    )
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_held_out_dialogues_are_never_trained_on(settings: Settings) -> None:
    meld, go, held = rows_of(settings)
    assert not {r.group for r in [*meld, *go]} & {r.group for r in held}
    assert {r.corpus for r in held} == {0, 1}


def test_a_plan_is_the_same_every_time_and_holds_each_row_as_often_as_it_should(settings: Settings) -> None:
    tokeniser = Tokeniser(Path(settings.start) / "tokenizer.json")
    first, _ = plan(settings, tokeniser)
    second, _ = plan(settings, tokeniser)
    assert [b.prepared.tobytes() for b in first] == [b.prepared.tobytes() for b in second]
    meld, go, _ = rows_of(settings)
    assert sum(len(b.labels) for b in first) == len(meld) * settings.meld_epochs + len(go)


def test_a_cap_leaves_rare_classes_whole() -> None:
    rows = [corpus.Row(str(i), (), 0 if i < 30 else 4, 1, str(i)) for i in range(35)]
    kept = corpus.capped(rows, 10, seed=1)
    assert [sum(r.label == c for r in kept) for c in (0, 4)] == [10, 5]


def test_the_rate_rises_and_falls_to_zero() -> None:
    rates = [rate_at(i, 100, 0.1) for i in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert rates[100] == 0.0


def test_a_missing_starting_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{start_folder.__module__}.START_PACKAGE", f"{START_PACKAGE}_absent")
    with pytest.raises(InputError, match="--start"):
        start_folder()
