"""What the command that trains the fusion networks ships, and what it says when it cannot."""

import json

import numpy as np
import pytest
from support import embedded

from affectstream.lab.fusion import network_training
from affectstream.lab.fusion.network_training_loop import Recipe
from affectstream.models.fusion.network_rule import rules
from affectstream.models.fusion.pools import EntropyTrust
from affectstream.models.weights import read_card


@pytest.fixture
def quick(monkeypatch):
    recipes = dict.fromkeys(network_training.RECIPES, Recipe(epochs=1, batch=32))
    monkeypatch.setattr(network_training, "RECIPES", recipes)
    monkeypatch.setattr(network_training, "windows", lambda logs, seed: embedded.log(140))


def test_a_shipped_file_says_what_it_was_made_from(quick, tmp_path, capsys):
    network_training.main(["early_late", "--output", str(tmp_path), "--seed", "3"])
    assert [path.name for path in tmp_path.iterdir()] == ["fusion-early-late.safetensors"]
    assert "held-out NLL" in capsys.readouterr().out
    said = rules(EntropyTrust(), tmp_path)["early_late"].network.statement
    assert said["data"] == "made up"
    assert said["face"].startswith(f"{read_card('face').model_id} ")
    assert json.loads(said["recipe"]) | {"seed": 3, "epochs": 1} == json.loads(said["recipe"])


def test_without_names_all_three_are_trained(quick, tmp_path):
    network_training.main(["--output", str(tmp_path)])
    made = rules(EntropyTrust(), tmp_path)
    assert set(made) == {"concat", "cross_attention", "early_late"}
    said = made["concat"].fuse(embedded.log(20, seed=4).evidence)
    assert np.isfinite(said.p).all()


def test_without_logs_it_says_in_one_line_what_to_do(tmp_path):
    with pytest.raises(SystemExit, match=r"^[^\n]*affectstream fusion log[^\n]*$"):
        network_training.main(["--logs", str(tmp_path), "--output", str(tmp_path)])


def test_an_unknown_network_is_a_usage_error(tmp_path):
    with pytest.raises(SystemExit, match="2"):
        network_training.main(["transformer", "--output", str(tmp_path)])
