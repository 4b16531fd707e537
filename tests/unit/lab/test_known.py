"""The networks of a run where something is known of a speaker: what judges them, and what is printed."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from affectstream.lab import known
from affectstream.lab.heard import Heard
from affectstream.lab.known import Known, Part, Table
from affectstream.lab.training.recipe import RECIPE, Recipe, VoiceRecipe, write_recipe
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

CLASSES = (0, 1, 3)
CLIPS = 24  # of each of two speakers
OFFSET = 5.0  # by which a speaker seems more of one class than of the others


def _heard(corpus: str, copy: str = "clean") -> Heard:
    """Two speakers who answer like their labels, but each with one class too likely; two windows a clip."""
    labels = np.tile(np.array(CLASSES), 2 * CLIPS // len(CLASSES))
    speakers = np.repeat(["one", "two"], CLIPS)
    x = np.eye(N_EMOTIONS, dtype=np.float32)[labels]
    x[:CLIPS, 0] += OFFSET
    x[CLIPS:, 3] += OFFSET
    clip = np.repeat(np.arange(2 * CLIPS), 2)
    return Heard(corpus, copy, x[clip], clip, labels, speakers)


def _even(corpus: str, copy: str = "clean") -> Heard:
    heard = _heard(corpus, copy)
    return replace(heard, x=np.eye(N_EMOTIONS, dtype=np.float32)[heard.labels[heard.clip]])


class Heads(torch.nn.Module):
    """Heads that say what they are given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_a_fold_learns_from_the_other_clips_and_the_other_corpora() -> None:
    corpora = [_heard("ravdess"), _heard("tess")]
    ravdess, tess = Part("fold-0", "ravdess", np.arange(4)).rest(corpora)
    assert set(ravdess.clip) == set(range(4, 2 * CLIPS))
    assert set(tess.clip) == set(range(2 * CLIPS))


def test_what_is_left_out_whole_is_judged_whole_and_never_learnt() -> None:
    corpora = [_heard("ravdess"), _heard("tess")]
    part = Part("without-tess", "tess", np.zeros(0, np.int64))
    assert [each.corpus for each in part.rest(corpora)] == ["ravdess"]
    assert set(part.own(corpora[1]).clip) == set(range(2 * CLIPS))


def test_a_speaker_is_read_better_once_other_clips_are_known() -> None:
    by = Known(Heads(), [_even("ravdess")])
    table = Table()
    table.add(Part("without-tess", "tess", np.zeros(0, np.int64)), by, [_heard("tess")])
    found = dict(row.rsplit(" | ", 1) for row in table.rows())
    assert found["tess | clean | 0 clips"] == "0.333"  # everything is taken for what a speaker seems
    assert found["tess | clean | 30 clips"] == "1.000"


def test_the_folds_of_a_corpus_are_one_row_over_all_their_clips() -> None:
    by, table = Known(Heads(), [_even("ravdess")]), Table()
    for number, judged in enumerate((np.arange(CLIPS), np.arange(CLIPS, 2 * CLIPS))):
        heard = _even("ravdess", "r1") if number else _heard("ravdess", "r1")
        table.add(Part(f"fold-{number}", "ravdess", judged), by, [heard])
    found = dict(row.rsplit(" | ", 1) for row in table.rows())
    assert found["ravdess by speaker | r1 | 0 clips"] == "0.667"  # a third of one fold, and all of the other


@pytest.mark.parametrize("recipe", [None, Recipe(network="fer-cnn")])
def test_a_folder_without_voice_networks_is_refused(
    tmp_path: Path, recipe: Recipe | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known.speech, "read_corpora", lambda data: {})
    monkeypatch.setattr(known, "parts", lambda views: [Part("fold-0", "ravdess", np.arange(1))])
    if recipe is not None:
        write_recipe(recipe, tmp_path / RECIPE)
        (tmp_path / "fold-0").mkdir()
        (tmp_path / "fold-0" / known.WEIGHTS).touch()
    with pytest.raises(InputError, match="holds no voice network"):
        known.main(tmp_path, tmp_path, tmp_path)


def test_a_run_is_judged_by_the_networks_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recipe(VoiceRecipe(network="voice"), tmp_path / RECIPE)
    (tmp_path / "without-tess").mkdir()
    (tmp_path / "without-tess" / known.WEIGHTS).touch()
    whole = [Part(f"without-{name}", name, np.zeros(0, np.int64)) for name in ("tess", "nemo")]
    monkeypatch.setattr(known, "parts", lambda views: whole)
    monkeypatch.setattr(known.speech, "read_corpora", lambda data: dict.fromkeys(("tess", "nemo")))
    monkeypatch.setattr(known, "whole_network", lambda *_: SimpleNamespace(encoder=None, heads=Heads()))
    monkeypatch.setattr(
        known,
        "heard_in",
        lambda views, copies, *_: ((_even if n == "nemo" else _heard)(n, c) for n in views for c in copies),
    )
    known.main(tmp_path, tmp_path, tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert "tess | clean | 30 clips | 1.000" in said
    assert not any(line.startswith("nemo") for line in said)
