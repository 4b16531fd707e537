"""The voice model gives calibrated probabilities, the same bits in any batch, and clear errors."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch.nn import functional

from affectstream.models.voice.model import SHAPE, VoiceModel
from affectstream.models.voice.network import VoiceEnsemble, VoiceNet
from affectstream.models.weights import FOLDER, read_card, write_card
from affectstream.schemas.errors import ModelError

SHIPPED = pytest.mark.skipif(
    not (FOLDER / "voice.json").exists(), reason="the voice weights are not made yet"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    net = VoiceEnsemble(members=2, width=4)
    safetensors.torch.save_file(net.state_dict(), tmp_path / "tiny.safetensors")
    card = {
        "model_id": "tiny/1",
        "modality": "voice",
        "temperature": 1.5,
        "licence": "none",
        "data": ("none",),
        "trust": 0.5,
        "config": {"members": 2, "width": 4},
        "figures": {},
    }
    write_card("tiny", card, tmp_path)
    return tmp_path


def _windows(n: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).uniform(-1, 1, (n, *SHAPE)).astype(np.float32))


def _loaded(name: str, folder: Path, rows: int = 4) -> VoiceModel:
    model = VoiceModel(name, rows, folder)
    model.load("cpu")
    return model


def test_rows_are_probabilities(folder: Path) -> None:
    found = _loaded("tiny", folder).predict(_windows(5)).p
    assert found.shape == (5, 7)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)


def test_no_windows_give_no_rows(folder: Path) -> None:
    assert _loaded("tiny", folder).predict([]).p.shape == (0, 7)


def test_a_lower_temperature_is_more_certain_of_the_same_class(folder: Path) -> None:
    soft = _loaded("tiny", folder).predict(_windows(6)).p
    path = folder / "tiny.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"temperature": 0.5}))
    sharp = _loaded("tiny", folder).predict(_windows(6)).p
    assert (sharp.argmax(axis=1) == soft.argmax(axis=1)).all()
    assert (sharp.max(axis=1) > soft.max(axis=1)).all()


def _bits_do_not_depend_on_the_batch(model: VoiceModel) -> None:
    windows = _windows(9)
    together = model.predict(windows).p
    alone = np.concatenate([model.predict([w]).p for w in windows])
    backwards = model.predict(windows[::-1]).p[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, backwards)


def test_the_same_bits_however_batched(folder: Path) -> None:
    _bits_do_not_depend_on_the_batch(_loaded("tiny", folder))


@SHIPPED
@pytest.mark.parametrize("rows", [1, 4])
def test_the_shipped_weights_give_the_same_bits_however_batched(rows: int) -> None:
    _bits_do_not_depend_on_the_batch(_loaded("voice", FOLDER, rows))


@SHIPPED
def test_the_shipped_network_is_small_and_its_trust_is_measured() -> None:
    card = read_card("voice")
    net = VoiceEnsemble(card.config["members"], card.config["width"])
    assert sum(p.numel() for p in net.parameters()) == card.config["parameters"] < 2_000_000
    assert card.trust == card.figures["clip: uar"]


def test_another_shape_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"shape \(64, 126\), expected \(1, 64, 126\)"):
        _loaded("tiny", folder).predict([np.zeros((64, 126), np.float32)])


def test_predicting_before_loading_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"load\(\) must come before predict\(\)"):
        VoiceModel("tiny", folder=folder).predict(_windows(1))


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    card = json.loads((folder / "tiny.json").read_text())
    card["config"]["members"] = 3
    (folder / "tiny.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="does not hold the network"):
        _loaded("tiny", folder)


def test_the_ensemble_averages_log_probabilities() -> None:
    ensemble = VoiceEnsemble(members=2, width=4).eval()
    x = torch.from_numpy(np.stack(_windows(3)))
    with torch.inference_mode():
        one, two = (member(x).log_softmax(dim=1) for member in ensemble.members)
        torch.testing.assert_close(ensemble(x), (one + two) / 2)


def test_the_network_overfits_a_tiny_batch() -> None:
    torch.manual_seed(0)
    x, labels = torch.from_numpy(np.stack(_windows(14))), torch.arange(14) % 7
    net = VoiceNet(width=4, dropout=0.0)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    for _ in range(25):
        loss = functional.cross_entropy(net(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (net(x).argmax(dim=1) == labels).all()
