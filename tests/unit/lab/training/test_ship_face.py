"""A run on FER2013's own labels becomes weights that the product's face model reads as the run was judged."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.reference_runs import faces, typed

from affectstream.lab.evaluation.outcome import of_run
from affectstream.lab.training.recipe import RECIPE, changed, read_recipe, write_recipe
from affectstream.lab.training.ship import ship
from affectstream.models.face.model import FaceModel
from affectstream.schemas.errors import InputError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, n, seed in (("train", 40, 0), ("valid", 21, 1)):
        faces(folder / "ferplus" / f"{name}.npz", n, seed)
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    short = ("--epochs", 1, "--batch", 16, "--sides", "[[0, 48]]", "--held-out", 0.2)
    made = typed("train", "face", "--network", "face-resnet", "--data", data, "-o", folder, *short)
    assert made.exit_code == 0, made.output
    return folder


def test_shipped_weights_say_what_the_run_said(data: Path, run: Path, tmp_path: Path) -> None:
    card = ship(run, tmp_path)
    outcome = of_run(run)[0]
    model = FaceModel("face-fer2013", folder=tmp_path)
    model.load("cpu")
    with np.load(data / "ferplus" / "valid.npz") as kept:
        said = model.predict(list(kept["images"])).p
    np.testing.assert_allclose(said, outcome.after, atol=0.02)  # half precision, and bfloat16 products
    assert card.figures["n"] == 21
    assert card.figures["accuracy"] == round(float((outcome.after.argmax(1) == outcome.labels).mean()), 4)


@pytest.mark.parametrize("change", [{"network": "fer-cnn"}, {"labels": "ferplus"}])
def test_another_network_or_label_set_is_refused(change: dict[str, str], run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    write_recipe(changed(read_recipe(run / RECIPE), change), tmp_path / "run" / RECIPE)
    with pytest.raises(InputError, match="no run of face-resnet on FER2013's own labels"):
        ship(tmp_path / "run", tmp_path)


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finished run"):
        ship(tmp_path / "nowhere", tmp_path)
