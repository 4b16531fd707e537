"""A finished run becomes weights with a card, and out-of-fold figures use the network of the right fold."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import soundfile

from affectstream.lab.datasets import ravdess
from affectstream.lab.splits import Fold
from affectstream.lab.voice import evaluation, shipping
from affectstream.lab.voice.evaluate import measure
from affectstream.lab.voice.train import ship_file
from affectstream.models.voice.model import SHAPE, VoiceModel
from affectstream.models.voice.network import VoiceNet
from affectstream.schemas.errors import ModelError


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    labels = np.arange(140) % 7
    logits = 6 * np.eye(7)[labels] + 4 * rng.normal(0, 1, (140, 7))
    rows = np.arange(140)
    kept = {"label": labels, "actor": 1 + rows // 20, "clip, windows": logits, "clip, rows": rows}
    np.savez(tmp_path / "out-of-fold.npz", **kept, **{"stream, windows": logits, "stream, rows": rows})
    (tmp_path / "report.json").write_text(json.dumps({"clip": {"uar": 0.61234, "ece": 0.02}}))
    for seed in (0, 1):
        safetensors.torch.save_file(VoiceNet().state_dict(), ship_file(tmp_path, seed))
    return tmp_path


def test_a_run_becomes_weights_that_load(run: Path, tmp_path: Path) -> None:
    card = shipping.ship(run, [0, 1], tmp_path)
    assert card.trust == card.figures["clip: uar"] == 0.6123
    assert card.temperature == pytest.approx(shipping.temperature_of(run))
    assert "CC BY-NC-SA 4.0" in card.licence
    assert card.config["actors"] == [1, 2, 3, 4, 5, 6, 7]
    model = VoiceModel("voice", folder=tmp_path)
    model.load("cpu")
    assert model.predict([np.zeros(SHAPE, np.float32)]).p.shape == (1, 7)


def test_overconfident_logits_get_a_temperature_above_one(run: Path) -> None:
    assert shipping.temperature_of(run) > 1.5


def test_an_unfinished_run_is_refused_with_what_to_do(run: Path, tmp_path: Path) -> None:
    ship_file(run, 1).unlink()
    with pytest.raises(
        ModelError, match=r"all-seed-1.safetensors is missing: run affectstream.lab.voice.train ship"
    ):
        shipping.ship(run, [0, 1], tmp_path)


def test_each_fold_is_heard_by_its_own_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        evaluation, "CONDITIONS", {k: evaluation.CONDITIONS[k] for k in ("clip", "stream, telephone")}
    )
    monkeypatch.setattr("affectstream.lab.voice.evaluate.CONDITIONS", evaluation.CONDITIONS)
    t = np.arange(40_000) / 16_000
    for actor in (1, 2):
        path = tmp_path / f"Actor_{actor:02d}" / f"03-01-03-01-01-01-{actor:02d}.wav"
        path.parent.mkdir()
        soundfile.write(path, np.sin(2 * np.pi * 300 * t) * np.sin(np.pi * t / 2.5) ** 2 * 0.3, 16_000)
    clips = ravdess.read(tmp_path).clips
    split = [Fold(np.array([1 - k]), np.array([k])) for k in range(2)]

    def logits(inputs: np.ndarray, k: int) -> np.ndarray:
        return np.tile(np.eye(7)[k + 1], (len(inputs), 1))  # fold 0 hears happiness, which it is

    report, kept = measure(clips, split, logits)
    assert report["clip"]["n"] == 2
    assert report["clip"]["accuracy"] == 0.5
    assert kept["clip"].argmax(axis=1).tolist() == [1, 2]
    assert report["stream, telephone, each window"]["n"] == 2
