"""Which networks of a run answer for the voice: the one that never heard the corpus, else those by fold."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.torch import save_file

from affectstream.lab.fusion.logs.voice import networks
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, write_recipe
from affectstream.models.voice.network import VoiceNet
from affectstream.schemas.errors import ModelError

SMALL = VoiceRecipe(network="voice", members=1, hidden=4)
CLIPS = tuple(
    SimpleNamespace(actor=n % 10, sha256=str(n), label=n % 7, sex="f" if n % 2 else "m") for n in range(140)
)


@pytest.fixture
def run(tmp_path: Path, small_voice: None) -> Path:
    state = VoiceNet(SMALL.members, SMALL.hidden).state_dict()
    for part in (*(f"fold-{n}" for n in range(5)), "without-ravdess"):
        (tmp_path / part).mkdir()
        save_file(state, tmp_path / part / "best.safetensors")
    write_recipe(SMALL, tmp_path / RECIPE)
    return tmp_path


def test_a_network_that_never_heard_the_corpus_answers_for_every_clip(run: Path) -> None:
    found = networks(run, CLIPS)  # type: ignore[arg-type]
    assert found.statement == "a network that never heard RAVDESS"
    ((_, rows),) = found.networks
    assert rows.tolist() == list(range(140))


def test_without_it_each_fold_answers_for_its_own_actors(run: Path) -> None:
    (run / "without-ravdess" / "best.safetensors").unlink()
    found = networks(run, CLIPS)  # type: ignore[arg-type]
    assert "fold" in found.statement
    assert sorted(np.concatenate([rows for _, rows in found.networks]).tolist()) == list(range(140))
    actors = [{CLIPS[i].actor for i in rows} for _, rows in found.networks]
    assert sum(map(len, actors)) == 10


def test_a_run_that_holds_neither_says_what_makes_them(run: Path) -> None:
    for part in ("without-ravdess", "fold-3"):
        (run / part / "best.safetensors").unlink()
    with pytest.raises(ModelError, match="train voice makes them"):
        networks(run, CLIPS)  # type: ignore[arg-type]
