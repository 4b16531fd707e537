"""Faces for the reference networks: twins of tested faces are left out, or learnt from and told of."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from affectstream.lab.training.catalogue import NETWORKS, Network
from affectstream.lab.training.corpus import Corpus
from affectstream.lab.training.memory import Inputs, as_stored, as_they_are
from affectstream.lab.training.recipe import changed
from affectstream.lab.training.tasks.face import faces
from affectstream.schemas.errors import ModelError

TWINS = 3


def drawn(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (n, 48, 48), dtype=np.uint8)


def keep(path: Path, images: np.ndarray) -> None:
    votes = np.zeros((len(images), 10), np.int8)
    votes[:, 0] = 8
    labels = (np.arange(len(images)) % 7).astype(np.int8)
    np.savez(path, images=images, votes=votes, fer2013=labels, names=np.array([str(i) for i in labels]))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder in which three training faces are, one gray level lighter, tested too."""
    learn, test = drawn(40, 0) // 2, drawn(14, 1) // 2
    learn[:TWINS] = test[:TWINS] + 1
    keep(tmp_path / "train.npz", learn)
    keep(tmp_path / "valid.npz", test)
    return tmp_path


def prepared(data: Path, **changes: object) -> tuple[Corpus, Inputs]:
    entry = NETWORKS["resnet50"]
    assert isinstance(entry, Network)
    return faces(data, changed(entry.recipe, {"held_out": 0.2, **changes}), data)


def test_twins_of_tested_faces_are_left_out_and_counted(data: Path) -> None:
    corpus, _ = prepared(data)
    (part,) = corpus.parts
    assert not set(range(TWINS)) & {*part.learn, *part.held}
    assert len(part.test) == 14
    assert corpus.about.split == "trained on Training without 3 near duplicates of PublicTest"


def test_the_official_split_learns_from_twins_and_says_so(data: Path) -> None:
    corpus, _ = prepared(data, near_duplicates="kept")
    (part,) = corpus.parts
    assert set(range(TWINS)) <= {*part.learn}
    assert len(part.learn) + len(part.held) == 40
    assert "leaks" in corpus.about.split
    assert "3 near duplicates" in corpus.about.split


@pytest.mark.parametrize("near_duplicates", ["kept", "left out"])
def test_tested_faces_that_have_a_twin_are_known_for_the_report(data: Path, near_duplicates: str) -> None:
    corpus, _ = prepared(data, near_duplicates=near_duplicates)
    (alike,) = corpus.known.values()
    assert [alike[row] for row in corpus.parts[0].test] == ["yes"] * TWINS + ["no"] * (14 - TWINS)


def test_the_same_held_out_faces_choose_the_epoch_of_both_splits(data: Path) -> None:
    clean, official = prepared(data)[0].parts[0], prepared(data, near_duplicates="kept")[0].parts[0]
    assert np.array_equal(clean.held, official.held)


@pytest.mark.parametrize("side", [24, 48, 64])
def test_a_face_is_looked_at_on_the_side_of_the_recipe_and_mirrored(data: Path, side: int) -> None:
    _, inputs = prepared(data, sides=[[0, side]])
    seen, mirrored = inputs.plain(inputs.stored[:2], 0)
    assert seen.shape == (2, side, side)
    assert torch.equal(seen.flip(-1), mirrored)
    assert inputs.augment(inputs.stored[:2], 0, torch.Generator().manual_seed(0)).shape == (2, side, side)
    assert float(seen.mean()) == pytest.approx(float(inputs.stored[:2].float().mean()), rel=0.01)


@pytest.mark.parametrize("name", ["face-resnet", "fer-cnn"])
def test_a_network_goes_on_from_the_weights_of_another_run(name: str, tmp_path: Path) -> None:
    entry = NETWORKS[name]
    assert isinstance(entry, Network)
    inputs = Inputs(torch.zeros(1), torch.zeros(1), as_stored, as_they_are)
    torch.manual_seed(1)
    other = entry.build(entry.recipe, inputs)
    save_file(other.state_dict(), tmp_path / "best.safetensors")
    torch.manual_seed(2)
    recipe = changed(entry.recipe, {"weights": str(tmp_path / "best.safetensors")})
    begun = entry.build(recipe, inputs).state_dict()
    assert all(torch.equal(value, begun[name]) for name, value in other.state_dict().items())
    (tmp_path / "best.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=f"holds no weights of {name}: give best.safetensors of a run"):
        entry.build(recipe, inputs)
