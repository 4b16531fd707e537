"""Training of the voice is repeatable and keeps corpora apart."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from torch import nn

from affectstream.lab.datasets import ravdess, readers
from affectstream.lab.evaluation.tasks.voice_folds import whole_network
from affectstream.lab.training import blocks, loop, speech
from affectstream.lab.training.blocks import kept_statistics, window_statistics
from affectstream.lab.training.corpus import Corpus, Part
from affectstream.lab.training.recipe import Recipe, changed, shipped_recipe
from affectstream.lab.training.tasks import voice_windows
from affectstream.lab.training.tasks.voice import finished, network, spoken
from affectstream.lab.training.tasks.voice_windows import CALL_PRIOR, Clips, Learnt, Spoken
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.models.voice.network import VoiceNet

SMALL = {"members": 2, "hidden": 4, "batch": 8, "steps": 2, "warm_up": 1, "copies": 1}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_windows, "PARTIES", 2)
    monkeypatch.setattr(voice_windows, "PARTY_ROWS", 2)
    monkeypatch.setattr(voice_windows, "SOUND_ROWS", 2)
    monkeypatch.setattr(speech, "of_sounds", partial(speech.of_sounds, n=4))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> ravdess.Clips:
    folder = tmp_path_factory.mktemp("ravdess")
    rng = np.random.default_rng(0)
    for actor in range(1, 11):
        for code in range(1, 9):
            path = folder / f"Actor_{actor:02d}" / f"03-01-{code:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(exist_ok=True)
            t = np.arange(24_000) / 16_000
            swell = np.sin(np.pi * ((t - 0.4) / 0.7).clip(0, 1)) ** 2
            tone = np.sin(2 * np.pi * (100 * code + actor) * t) * swell
            soundfile.write(path, 0.2 * tone + rng.normal(0, 1e-4, len(t)), 16_000)
    return ravdess.read(folder)


@pytest.fixture(scope="module")
def data(corpus: ravdess.Clips, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of RAVDESS, a Turkish corpus of four classes and calls."""
    folder = tmp_path_factory.mktemp("corpora")
    (folder / "ravdess").symlink_to(corpus.clips[0].path.parents[1])
    rng = np.random.default_rng(1)
    for speaker in (1157, 1234):
        for emotion in ("kz", "hl", "sk", "mt"):
            path = folder / "turev" / f"{speaker}_{emotion}_word.ogg"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, _swelling(speaker / 6, 1.2) + rng.normal(0, 1e-4, 19_200), 16_000)
    (folder / "calls").mkdir()
    for name in ("auto0_mixed", "repairs"):
        soundfile.write(folder / "calls" / f"{name}.flac", np.tile(_swelling(150, 1.2), 5), 16_000)
    return folder


@pytest.fixture(scope="module")
def recipe(small_voice: None, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Return the shipped recipe, small, with an encoder of random weights: none is fetched."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("encoder") / "encoder.safetensors"
    save_file(VoiceNet(members=1, hidden=4).encoder.state_dict(), path)
    return changed(shipped_recipe("voice"), SMALL | {"weights": str(path)})


@pytest.fixture(scope="module")
def prepared(data: Path, recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Clips]:
    return spoken(data, recipe, tmp_path_factory.mktemp("features"))


def _swelling(hz: float, seconds: float) -> np.ndarray:
    t = np.arange(round(16_000 * seconds)) / 16_000
    return 0.2 * np.sin(2 * np.pi * hz * t) * np.sin(np.pi * (t / seconds)) ** 2


def trained(
    prepared: tuple[Corpus, Clips], recipe: Recipe, folder: Path | None, report: loop.Report
) -> nn.Module:
    corpus, clips = prepared
    torch.manual_seed(recipe.seed)
    task = clips.task(corpus.parts[-1], corpus.labels, recipe)
    return loop.train(network(recipe, clips), recipe, task, folder, report)


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


def test_training_repeats_itself(prepared: tuple[Corpus, Clips], recipe: Recipe, tmp_path: Path) -> None:
    short = changed(recipe, {"epochs": 1})
    nets = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        nets.append(trained(prepared, short, tmp_path / name, lambda line: None))
    assert losses(tmp_path / "one") == losses(tmp_path / "two")
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert (a == b).all()


def test_training_learns(prepared: tuple[Corpus, Clips], recipe: Recipe, tmp_path: Path) -> None:
    easy = {"dropout": 0.0, "mixup": 0.0, "hidden": 32, "rate": 0.02, "schedule": "constant"}
    trained(
        prepared,
        changed(recipe, easy | {"epochs": 3, "steps": 6, "average": 0.0}),
        tmp_path,
        lambda line: None,
    )
    assert losses(tmp_path)[-1] < losses(tmp_path)[0]


def test_a_stopped_training_ends_with_the_weights_of_one_that_was_not(
    prepared: tuple[Corpus, Clips], recipe: Recipe, tmp_path: Path
) -> None:
    recipe = changed(recipe, {"epochs": 3, "steps": 1, "mixup": 0.5})
    whole = trained(prepared, recipe, None, lambda line: None)

    def die_after_two(line: str) -> None:
        if line.startswith("epoch 2 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(prepared, recipe, tmp_path, die_after_two)
    torch.rand(5)  # chance has moved on elsewhere
    told: list[str] = []
    resumed = trained(prepared, recipe, tmp_path, told.append)
    assert [line.split()[1] for line in told] == ["3"]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_every_part_keeps_its_test_out_and_one_learns_from_everything(prepared: tuple[Corpus, Clips]) -> None:
    corpus, _ = prepared
    *folds, home, without, whole = corpus.parts
    assert [part.name for part in folds] == [f"fold-{k}" for k in range(5)]
    assert all(len(part.learn) + len(part.test) == len(corpus.labels) for part in folds)
    assert (home.name, len(home.test)) == ("without-ravdess", 0)
    assert {corpus.known["corpus"][i] for i in home.learn} == {"turev"}
    assert without.name == "without-turev"
    assert {corpus.known["corpus"][i] for i in without.learn} == {"ravdess"}
    assert {corpus.known["corpus"][i] for i in without.test} == {"turev"}
    assert (whole.name, len(whole.learn), len(whole.test)) == ("all", len(corpus.labels), 0)
    assert len(np.unique(np.concatenate([part.test for part in corpus.parts]))) == len(corpus.labels)


def test_the_first_corpus_alone_is_enough_and_missing_announcers_are_told(
    corpus: ravdess.Clips, recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ravdess").symlink_to(corpus.clips[0].path.parents[1])
    made, clips = spoken(tmp_path / "data", recipe, tmp_path / "features")
    assert [part.name for part in made.parts] == [*(f"fold-{k}" for k in range(5)), "all"]
    assert clips.learnt.parties == ((), ())
    assert "python -m affectstream.lab.announcers" in capsys.readouterr().err


def test_a_class_that_a_corpus_lacks_is_neither_learnt_nor_answered_there(
    prepared: tuple[Corpus, Clips], recipe: Recipe
) -> None:
    corpus, clips = prepared
    turkish = np.flatnonzero(np.array(corpus.known["corpus"]) == "turev")
    logits = clips.logits(network(recipe, clips), turkish, recipe)
    assert set(logits.argmax(axis=1)) <= {0, 1, 2, 3}
    assert (logits[:, 4:].max(axis=1) < logits[:, :4].min(axis=1)).all()
    task = clips.task(corpus.parts[6], corpus.labels, changed(recipe, {"mixup": 0.0}))
    (x, offset), targets, _ = next(task.batches(0))
    assert len(targets) == 2 * 8
    assert len(x) == len(offset) > 8
    assert (targets.sum(dim=1) - 1).abs().max() < 1e-6


def test_the_mean_answer_over_calls_is_drawn_to_the_prior(
    prepared: tuple[Corpus, Clips], recipe: Recipe
) -> None:
    corpus, clips = prepared
    task = clips.task(
        corpus.parts[-1], corpus.labels, changed(recipe, {"sounds": 0.0, "calls": 1.0, "calls_offset": 0.0})
    )
    batch = next(task.batches(0))
    assert batch.penalty is not None
    rows = 2 * (len(batch.inputs[0]) - 8)
    prior = torch.tensor(CALL_PRIOR).log().repeat(rows, 1)
    assert float(batch.penalty(prior)) == pytest.approx(0.0, abs=1e-6)
    assert float(batch.penalty(torch.zeros(rows, 7))) > 0.5
    leant = changed(recipe, {"sounds": 0.0, "calls": 1.0, "calls_offset": 2.0})
    batch = next(clips.task(corpus.parts[-1], corpus.labels, leant).batches(0))
    assert batch.penalty is not None
    prior[:, 0] -= 2.0  # what the offset adds again
    assert float(batch.penalty(prior)) == pytest.approx(0.0, abs=1e-6)


def test_windows_are_kept_and_calls_for_testing_are_never_heard(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = readers.view("turev", data / "turev")
    made = speech.of_corpus("turev", view, "r0", speech.Kept(tmp_path, processes=2))
    calls = speech.of_calls(data / "calls", "clean", speech.Kept(tmp_path))
    assert set(calls.clip) == {0}
    monkeypatch.setattr(speech, "_cuts", lambda *_, **__: pytest.fail("made again"))
    again = speech.of_corpus("turev", view, "r0", speech.Kept(tmp_path))
    np.testing.assert_array_equal(made.inputs, again.inputs)
    assert made.inputs.shape == (len(made.clip), 80, 200)


def test_windows_do_not_depend_on_the_number_of_processes(data: Path, tmp_path: Path) -> None:
    view = readers.view("turev", data / "turev")
    one = speech.of_corpus("turev", view, "r1", speech.Kept(tmp_path / "one"))
    two = speech.of_corpus("turev", view, "r1", speech.Kept(tmp_path / "two", processes=2))
    np.testing.assert_array_equal(one.inputs, two.inputs)
    np.testing.assert_array_equal(one.clip, two.clip)


def test_the_domain_of_a_finished_network_holds_what_it_learnt_from(
    prepared: tuple[Corpus, Clips], recipe: Recipe
) -> None:
    corpus, clips = prepared
    made = network(recipe, clips)
    finished(made, clips, corpus.parts[-1], recipe)
    assert isinstance(made, VoiceNet)
    domain = made.heads.domain
    assert float((domain(torch.from_numpy(clips.clean.x)) > 0.5).float().mean()) < 0.1
    noise = torch.from_numpy(window_statistics(np.random.default_rng(0).random((4, 80, 200)), clips.encoder))
    assert float(domain(noise).min()) > 0.5


def test_the_encoder_stays_as_it_is_and_is_kept_with_the_heads(
    prepared: tuple[Corpus, Clips], recipe: Recipe, tmp_path: Path
) -> None:
    clips = prepared[1]
    made = trained(prepared, changed(recipe, {"epochs": 1, "steps": 1}), None, lambda line: None)
    for name, tensor in clips.encoder.state_dict().items():
        assert torch.equal(tensor, made.state_dict()[f"encoder.{name}"]), name
    save_file(made.state_dict(), tmp_path / "best.safetensors")
    whole = whole_network(tmp_path / "best.safetensors", recipe)
    windows = speech.of_sounds(("tones",))
    statistics = torch.from_numpy(window_statistics(windows, clips.encoder.to(whole.encoder.positions.dtype)))
    clips.encoder.float()
    with torch.inference_mode():
        torch.testing.assert_close(whole(torch.from_numpy(windows).float()), made.eval()(statistics))


def test_windows_of_one_voice_without_labels_come_together_and_kinds_of_voices_alike() -> None:
    def party(voice: float, windows: int) -> torch.Tensor:
        return torch.full((windows, 3), voice)

    calls, announcers = (party(1, 9),), (party(2, 50), party(3, 4))
    learnt = Learnt(
        Spoken(np.zeros((1, 3), np.float32), np.zeros(1, np.int64)), (calls, announcers), party(0, 1)
    )
    np.testing.assert_allclose(learnt.chances(), [1.0, 0.5, 0.5])
    clips = Clips(
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        torch.ones(5, 7) > 0,
        learnt.windows,
        None,
        lambda: learnt,
    )
    task = clips.task(
        Part("all", np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)),
        clips.labels,
        changed(shipped_recipe("voice"), SMALL | {"sounds": 0.0}),
    )
    heard = [next(task.batches(0)).inputs[0][8:, 0].view(2, 2) for _ in range(200)]
    voices = torch.cat(heard)
    assert (voices[:, 0] == voices[:, 1]).all()
    assert [round(float((voices[:, 0] == n).float().mean()), 1) for n in (1, 2, 3)] == pytest.approx(
        [0.5, 0.25, 0.25], abs=0.1
    )


def test_where_no_voice_without_labels_is_at_hand_none_is_heard(
    prepared: tuple[Corpus, Clips], recipe: Recipe
) -> None:
    corpus, clips = prepared
    alone = replace(clips, make=lambda: replace(clips.learnt, parties=((), ()), _moved={}))
    task = alone.task(corpus.parts[-1], corpus.labels, changed(recipe, {"sounds": 0.0}))
    batch = next(task.batches(0))
    assert len(batch.inputs[0]) == 8
    assert batch.penalty is not None
    assert float(batch.penalty(torch.zeros(0, 7))) == 0.0


def test_statistics_are_kept_and_made_again_for_another_encoder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = speech.Kept(tmp_path)
    windows = speech.of_calls(data / "calls", "clean", kept)
    one, two = (SpeechEncoder(16, 2, 2).eval() for _ in range(2))
    made = kept_statistics(windows, kept, one)
    assert made.shape == (len(windows.clip), 64)
    monkeypatch.setattr(blocks, "window_statistics", lambda *_: np.ones((1, 64), np.float32))
    np.testing.assert_array_equal(kept_statistics(windows, kept, one), made)
    assert kept_statistics(windows, kept, two).shape == (1, 64)


def test_an_actor_is_in_one_fold_and_both_sexes_in_each(corpus: ravdess.Clips) -> None:
    seen: list[int] = []
    for fold in ravdess.folds_of(corpus.clips):
        actors = {corpus.clips[i].actor for i in fold.test}
        assert not actors & {corpus.clips[i].actor for i in fold.train}
        assert {a % 2 for a in actors} == {0, 1}
        seen += actors
    assert sorted(seen) == list(range(1, 11))
