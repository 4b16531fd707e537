"""The networks that fuse embeddings as a task: what is shipped, what is said, the steps of their recipe."""

import json
from pathlib import Path

import numpy as np
import pytest
from support import embedded
from support.reference_runs import typed

from affectstream.lab.training.recipe import FusionRecipe, changed, shipped_recipe
from affectstream.lab.training.tasks import fusion
from affectstream.models.fusion.network_rule import rules
from affectstream.models.fusion.pools import EntropyTrust
from affectstream.models.weights import read_card
from affectstream.schemas.errors import InputError


def recipe(**changes: object) -> FusionRecipe:
    found = changed(shipped_recipe("fusion-networks"), {"batch": 32, **changes})
    assert isinstance(found, FusionRecipe)
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affectstream.lab.training.recipe.shipped_recipe", lambda name: recipe(epochs=1))
    monkeypatch.setattr(fusion, "windows", lambda logs, seed: embedded.log(140))


def test_a_shipped_file_says_what_it_was_made_from(quick: None, tmp_path: Path) -> None:
    made = typed("fusion", "train", "early_late", "-o", tmp_path, "--seed", "3")
    assert [path.name for path in tmp_path.iterdir()] == ["fusion-early-late.safetensors"]
    assert "held-out NLL" in made.output
    stated = rules(EntropyTrust(), tmp_path)["early_late"].network.statement
    assert stated["data"] == "made up"
    assert stated["face"].startswith(f"{read_card('face').model_id} ")
    kept = {"seed": 3, "epochs": 1, "network": "early_late"}
    assert json.loads(stated["recipe"]) | kept == json.loads(stated["recipe"])


def test_without_names_all_three_are_trained(quick: None, tmp_path: Path) -> None:
    typed("fusion", "train", "-o", tmp_path)
    made = rules(EntropyTrust(), tmp_path)
    assert set(made) == {"concat", "cross_attention", "early_late"}
    pooled = made["concat"].fuse(embedded.log(20, seed=4).evidence)
    assert np.isfinite(pooled.p).all()


def test_without_logs_it_says_in_one_line_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*affectstream fusion log[^\n]*$"):
        typed("fusion", "train", "--logs", tmp_path, "-o", tmp_path)


def test_the_shipped_recipe_takes_the_steps_that_the_shipped_networks_were_trained_with() -> None:
    done = fusion.train(embedded.log(140), recipe(network="early_late", epochs=4))
    assert (done.held_nll, done.temperature) == pytest.approx((0.995865, 0.557661), abs=2e-3)  # of that loop
