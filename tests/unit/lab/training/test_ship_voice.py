"""A finished run becomes weights with a card, and out-of-fold figures use the network of the right fold."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from affectstream.lab.evaluation.tasks import voice_folds, voice_sets
from affectstream.lab.training import ship_voice as shipping
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, shipped_recipe, write_recipe
from affectstream.lab.training.ship import ship
from affectstream.models.voice.model import SHAPE, VoiceModel
from affectstream.models.voice.network import VoiceNet
from affectstream.models.weights import read_card
from affectstream.schemas.errors import InputError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = np.arange(140) % 7
    logits = 6 * np.eye(7)[labels] + 4 * rng.normal(0, 1, (140, 7))
    rows = np.arange(140)
    kept = {"label": labels, "actor": 1 + rows // 20, "fold": rows // 28}
    for name in voice_sets.SETS:
        kept |= {name: logits, f"{name}, windows": logits, f"{name}, rows": rows}
    run = tmp_path / "run"
    (run / "all").mkdir(parents=True)
    np.savez(run / "out-of-fold.npz", **kept)
    recipe = shipped_recipe("voice")
    assert isinstance(recipe, VoiceRecipe)
    made = VoiceNet(recipe.members, recipe.hidden)
    safetensors.torch.save_file(made.state_dict(), run / "all" / WEIGHTS)
    write_recipe(recipe, run / RECIPE)
    return run


def test_a_run_becomes_weights_that_load(run: Path, tmp_path: Path) -> None:
    card = ship([run], tmp_path)
    arrays = voice_folds.kept(run / "out-of-fold.npz")
    right = (arrays["clip"].argmax(axis=1) == arrays["label"]).mean()  # every class has 20 clips
    assert card.figures["clip: uar"] == round(right, 4)
    assert card.trust == card.figures["stream, each window: uar"]
    assert card.temperature == shipping.temperature_of(arrays)
    assert "CC BY-NC-SA 4.0" in card.licence
    assert card.config["actors"] == [1, 2, 3, 4, 5, 6, 7]
    model = VoiceModel("voice", folder=tmp_path)
    model.load("cpu")
    assert model.predict([np.zeros(SHAPE, np.float32)]).p.shape == (1, 7)


def test_overconfident_logits_get_a_temperature_above_one(run: Path) -> None:
    assert shipping.temperature_of(voice_folds.kept(run / "out-of-fold.npz")) > 1.5


def test_a_run_that_was_not_evaluated_has_the_shipped_temperature(run: Path, tmp_path: Path) -> None:
    arrays = voice_folds.kept(run / "out-of-fold.npz")
    assert shipping.temperature_in(run) == shipping.temperature_of(arrays)
    assert shipping.temperature_in(tmp_path / "none") == read_card("voice").temperature


def test_an_unfinished_run_is_refused_with_what_to_do(run: Path, tmp_path: Path) -> None:
    (run / "all" / WEIGHTS).unlink()
    with pytest.raises(InputError, match=r"best.safetensors is missing: affectstream train voice"):
        ship([run], tmp_path)
    with pytest.raises(InputError, match="give one run"):
        ship([run, run], tmp_path)


class Constant(torch.nn.Module):
    """Says the same class of every window."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.eye(7)[self.label].repeat(len(x), 1)


def test_each_fold_is_predicted_by_its_own_network() -> None:
    predict = voice_folds.by_fold([Constant(1), Constant(2)], np.array([0, 1, 1]))
    inputs = np.zeros((4, 80, 200), np.float32)
    assert predict(inputs, np.array([0, 0, 1, 2])).argmax(axis=1).tolist() == [1, 1, 2, 2]
