"""The corpora lie where the option says, else where AFFECT_DATA does; nothing is guessed."""

from pathlib import Path

import pytest

from affectstream.lab.datasets import files
from affectstream.schemas.errors import InputError


def test_the_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AFFECT_DATA", str(tmp_path))
    assert files.corpora() == tmp_path
    assert files.corpora(tmp_path / "mine") == tmp_path / "mine"


def test_without_either_the_error_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AFFECT_DATA", raising=False)
    with pytest.raises(InputError, match="--data FOLDER, or AFFECT_DATA"):
        files.corpora()


def test_a_corpus_lies_in_its_own_folder_or_is_the_folder_itself(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"meld/train\.csv is missing: point --data or AFFECT_DATA"):
        files.of_corpus("meld", tmp_path, "train.csv")
    (tmp_path / "train.csv").touch()
    assert files.of_corpus("meld", tmp_path, "train.csv") == tmp_path
    (tmp_path / "meld").mkdir()
    (tmp_path / "meld" / "train.csv").touch()
    assert files.of_corpus("meld", tmp_path, "train.csv") == tmp_path / "meld"
