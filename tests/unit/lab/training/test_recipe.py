"""Recipes of trainings: kept in a file, and refused where they are impossible."""

from pathlib import Path

import pytest

from affectstream.lab.training.recipe import Recipe, changed, read_recipe, write_recipe
from affectstream.schemas.errors import InputError

RECIPE = Recipe(network="clip")


def test_a_recipe_comes_back_from_its_file(tmp_path: Path) -> None:
    recipe = changed(RECIPE, {"sides": [[0, 32], [5, 48]], "folds": [0, 2], "weights": "owner/name"})
    write_recipe(recipe, tmp_path / "recipe.json")
    assert read_recipe(tmp_path / "recipe.json") == recipe


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"epoch": 3}, "epoch: Extra inputs are not permitted"),
        ({"epochs": 0}, "epochs: Input should be greater than 0"),
        ({"precision": "float16"}, "precision"),
        ({"class_weights": True, "smote": True}, "take one"),
    ],
)
def test_an_impossible_recipe_is_refused_in_one_line(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        changed(RECIPE, changes)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"network": "cnn", "colour": "red"}')
    with pytest.raises(InputError, match="colour"):
        read_recipe(tmp_path / "recipe.json")
    with pytest.raises(InputError, match=r"recipe\.json of a run"):
        read_recipe(tmp_path / "nowhere.json")
