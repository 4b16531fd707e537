"""Training is repeatable, and what it sees is made as the stream's features are."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from affectstream.lab.datasets import ravdess
from affectstream.lab.evaluation import windows as evaluation
from affectstream.lab.training import loop
from affectstream.lab.training.augment.windows import SPEEDS, Prepared, Variations, prepare
from affectstream.lab.training.corpus import Part
from affectstream.lab.training.recipe import Recipe, VoiceRecipe, changed, shipped_recipe
from affectstream.lab.training.task import Task
from affectstream.lab.training.tasks.voice import Clips, network, spoken
from affectstream.models.voice import features
from affectstream.producers.chunks import Chunker, to_pcm

VARIED = shipped_recipe("voice")
assert isinstance(VARIED, VoiceRecipe)
PLAIN = changed(VARIED, {"telephone": 0, "noise": 0, "channel": 0, "tempo": 0, "loose": 0})
assert isinstance(PLAIN, VoiceRecipe)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> ravdess.Corpus:
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
def prepared(corpus: ravdess.Corpus, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(corpus.clips[:8], tmp_path_factory.mktemp("run") / "prepared.npz")


def test_prepared_speech_is_kept_and_read_again(corpus: ravdess.Corpus, tmp_path: Path) -> None:
    made = prepare(corpus.clips[:1], tmp_path / "prepared.npz")
    again = prepare(corpus.clips[:1], tmp_path / "prepared.npz")
    np.testing.assert_array_equal(made.mel_db, again.mel_db)
    assert len(prepare(corpus.clips[:2], tmp_path / "prepared.npz").length) == 2  # of other clips: made again
    assert made.mel_db.shape == (1, len(SPEEDS), 2, 64, 420)


def test_the_telephone_variant_has_nothing_above_its_band(prepared: Prepared) -> None:
    assert prepared.mel_db[:, :, 1, 50:].max() < prepared.mel_db[:, :, 1, :44].max() - 40


def test_an_unvaried_window_looks_like_the_streams(
    corpus: ravdess.Corpus, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("affectstream.lab.training.augment.windows.MASKS", 0)
    monkeypatch.setattr("affectstream.lab.training.augment.windows.SPEEDS", (1.0,))
    only = Prepared(prepared.mel_db[:, 3:4], prepared.length[:, 3:4], prepared.spoken[:, 3:4])
    shown = Variations(only, PLAIN, np.random.default_rng(0)).batch(np.array([5]))[0].numpy()
    samples, rate_hz = ravdess.load(corpus.clips[5].path)
    expected = features.features(samples, rate_hz)
    assert shown.shape == expected.shape
    loudest, expected_loudest = shown[0].max(axis=1), expected[0].max(axis=1)  # (64,)
    np.testing.assert_allclose(loudest, expected_loudest, atol=0.1)


def test_variations_stay_in_range_and_follow_the_seed(prepared: Prepared) -> None:
    rows = np.arange(8)
    one, two = (Variations(prepared, VARIED, np.random.default_rng(1)).batch(rows) for _ in range(2))
    assert one.shape == (8, 1, 64, 126)
    assert one.min() == -1
    assert one.max() <= 1
    assert (one == two).all()


def task_of(corpus: ravdess.Corpus, prepared: Prepared, recipe: Recipe) -> Task:
    clips = corpus.clips[:8]
    labels, nothing = np.array([c.label for c in clips]), np.zeros(0, dtype=np.int64)
    return Clips(clips, labels, prepared).task(Part("", np.arange(8), nothing, nothing), labels, recipe)


def trained(task: Task, recipe: Recipe, folder: Path | None, report: loop.Report) -> nn.Module:
    torch.manual_seed(recipe.seed)
    return loop.train(network(recipe), recipe, task, folder, report)


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


def test_training_learns_and_repeats_itself(
    corpus: ravdess.Corpus, prepared: Prepared, tmp_path: Path
) -> None:
    recipe = changed(PLAIN, {"width": 4, "epochs": 6, "batch": 4, "mixup": 0.0, "warm_up": 1})
    nets = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        task = task_of(corpus, prepared, recipe)
        nets.append(trained(task, recipe, tmp_path / name, lambda line: None))
    assert losses(tmp_path / "one") == losses(tmp_path / "two")
    assert losses(tmp_path / "one")[-1] < losses(tmp_path / "one")[0]
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert (a == b).all()


def test_the_shipped_recipe_takes_the_steps_that_the_shipped_weights_were_trained_with(
    corpus: ravdess.Corpus, prepared: Prepared, tmp_path: Path
) -> None:
    recipe = changed(shipped_recipe("voice"), {"width": 4, "epochs": 3, "batch": 4, "mixup": 0.5})
    trained(task_of(corpus, prepared, recipe), recipe, tmp_path, lambda line: None)
    # of the loop that made them, whose features differed from the ones of today in the last digits
    assert losses(tmp_path) == pytest.approx([1.784818, 2.022954, 2.325066], abs=1e-3)


def test_a_stopped_training_ends_with_the_weights_of_one_that_was_not(
    corpus: ravdess.Corpus, prepared: Prepared, tmp_path: Path
) -> None:
    recipe = changed(shipped_recipe("voice"), {"width": 4, "epochs": 4, "batch": 4, "mixup": 0.5})
    whole = trained(task_of(corpus, prepared, recipe), recipe, None, lambda line: None)

    def die_after_two(line: str) -> None:
        if line.startswith("epoch 2 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(task_of(corpus, prepared, recipe), recipe, tmp_path, die_after_two)
    torch.rand(5)  # chance has moved on elsewhere
    told: list[str] = []
    resumed = trained(task_of(corpus, prepared, recipe), recipe, tmp_path, told.append)
    assert [line.split()[1] for line in told] == ["3", "4"]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_folds_hold_nothing_out_and_one_part_learns_from_every_actor(
    corpus: ravdess.Corpus, prepared: Prepared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(f"{spoken.__module__}.prepare", lambda clips, cache: prepared)
    found, _ = spoken(corpus.clips[0].path.parents[1], shipped_recipe("voice"), tmp_path)
    *folds, whole = found.parts
    assert [part.name for part in folds] == [f"fold-{k}" for k in range(5)]
    assert all(len(part.learn) + len(part.test) == len(found.labels) for part in folds)
    assert not any(len(part.held) for part in found.parts)
    assert (whole.name, len(whole.learn), len(whole.test)) == ("all", len(found.labels), 0)


def test_an_actor_is_in_one_fold_and_both_sexes_in_each(corpus: ravdess.Corpus) -> None:
    seen: list[int] = []
    for fold in ravdess.folds_of(corpus.clips):
        actors = {corpus.clips[i].actor for i in fold.test}
        assert not actors & {corpus.clips[i].actor for i in fold.train}
        assert {a % 2 for a in actors} == {0, 1}
        seen += actors
    assert sorted(seen) == list(range(1, 11))


def test_windows_cover_the_spoken_part(corpus: ravdess.Corpus) -> None:
    samples, rate_hz = ravdess.load(corpus.clips[0].path)
    ((start, end),) = evaluation.clip_spans(samples, rate_hz)
    assert end - start == 2.0
    assert start == pytest.approx(0.75 - 1.0, abs=0.1)
    long = np.concatenate([samples[:8000], np.tile(samples[8000:16000], 8)])
    starts = [start for start, _ in evaluation.clip_spans(long, rate_hz)]
    assert len(starts) >= 6
    assert np.diff(starts).max() <= 0.5


def test_a_window_reaching_beyond_the_clip_is_padded() -> None:
    ones = np.ones(16_000, np.float32)
    assert evaluation.cut(ones, 16_000, (-0.5, 1.5)).nonzero()[0].tolist()[:1] == [8_000]
    assert evaluation.cut(ones, 16_000, (0.5, 2.5)).sum() == 8_000


def test_the_stream_is_cut_as_producers_cut_it() -> None:
    t = np.arange(4.3 * 16_000) / 16_000
    swell = 0.05 + 0.3 * (t * 5 // 1 % 2)
    samples = (np.sin(2 * np.pi * 180 * t) * swell).astype(np.float32)
    spans = evaluation.stream_spans(samples, 16_000)
    np.testing.assert_allclose(spans, [(0, 1), (0, 2), (1, 3), (2, 4), (2.3, 4.3)])
    chunker = Chunker(16_000)
    chunks = [*chunker.push(samples), *chunker.finish()]
    assert [to_pcm(evaluation.cut(samples, 16_000, span)) for span in spans] == [c.pcm for c in chunks]
