"""A run on FER2013's own labels becomes weights that the product's face model reads as the run was judged."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.reference_runs import faces, typed

from affectstream.lab.evaluation.outcome import of_run
from affectstream.lab.training.recipe import RECIPE, changed, read_recipe, write_recipe
from affectstream.lab.training.ship import LEAN, ship
from affectstream.models.face.model import FaceModel
from affectstream.models.weights import read_card
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
    card = ship([run], tmp_path)
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
    with pytest.raises(InputError, match="no runs of one shipped network"):
        ship([tmp_path / "run"], tmp_path)


def test_weights_without_figures_are_of_text_alone(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--bare is for text"):
        typed("ship", run, "--bare", "--folder", tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recipe\.json cannot be read"):
        ship([tmp_path / "nowhere"], tmp_path)


@pytest.fixture(scope="module")
def short(data: Path) -> tuple[object, ...]:
    return ("--epochs", 1, "--batch", 16, "--held-out", 0.4, "--data", data)


@pytest.fixture(scope="module")
def first(short: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the first of the shipped face's trainings."""
    folder = tmp_path_factory.mktemp("first") / "face"
    made = typed("train", "face", "--sides", "[[0, 32]]", "-o", folder, *short)
    assert f"next: affectstream train face --network face-refined --weights {folder}" in made.output
    return folder


def test_the_shipped_face_is_the_mean_of_a_run_and_its_refinement(
    data: Path, short: tuple[object, ...], first: Path, tmp_path: Path
) -> None:
    second = tmp_path / "face-refined"
    refine = ("train", "face", "--network", "face-refined", "--weights", first / "best.safetensors")
    made = typed(*refine, "-o", second, *short)
    assert f"next: affectstream ship {first} {second} --folder {second.with_name('face-base')}" in made.output
    assert typed("ship", first, second, "--folder", tmp_path / "w", "--data", data).exit_code == 0
    card = read_card("face", tmp_path / "w")
    assert card.config["epochs"] == 2
    assert card.figures["n"] == 21
    a, b = (load_file(run / "best.safetensors") for run in (first, second))
    mean = load_file(tmp_path / "w" / "face.safetensors")
    assert torch.equal(mean["head.weight"], ((a["head.weight"] + b["head.weight"]) / 2).half())


def test_the_last_step_goes_on_from_shipped_weights_with_faces_as_a_call_films_them(
    data: Path, short: tuple[object, ...], first: Path, tmp_path: Path
) -> None:
    assert typed("ship", first, "--folder", tmp_path / "base", "--data", data).exit_code == 0
    last = ("train", "face", "--network", "face-video", "--precision", "float32", "--sides", "[[0, 32]]")
    made = typed(*last, "--weights", tmp_path / "base" / "face.safetensors", "-o", tmp_path / "last", *short)
    assert f"next: affectstream ship {tmp_path / 'last'}" in made.output
    assert typed("ship", tmp_path / "last", "--folder", tmp_path / "w", "--data", data).exit_code == 0
    config = read_card("face", tmp_path / "w").config
    assert 0 < config["filmed"] < 1 < config["second_opinion"]
    states = (tmp_path / "base" / "face", tmp_path / "last" / "best", tmp_path / "w" / "face")
    base, learnt, shipped = (load_file(f"{state}.safetensors")["head.bias"].float() for state in states)
    lean = shipped - (base + learnt) / 2  # to angry, fear and disgust alone
    torch.testing.assert_close(lean, torch.tensor([0, 0, 0, LEAN, LEAN, LEAN, 0]), atol=2e-3, rtol=0)
