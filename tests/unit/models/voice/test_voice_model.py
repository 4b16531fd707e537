"""The voice model gives calibrated probabilities, the same bits in any batch, and clear errors."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch.nn import functional

from affectstream.models.protocol import Predictions
from affectstream.models.voice.model import SHAPE, Balanced, VoiceModel
from affectstream.models.voice.network import Heads, VoiceNet, fitted_domain, loud, statistics
from affectstream.models.weights import FOLDER, read_card, write_card
from affectstream.schemas.errors import ModelError

SHIPPED = pytest.mark.skipif(
    not (FOLDER / "voice.json").exists(), reason="the voice weights are not made yet"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    net = VoiceNet(members=2, hidden=4)
    safetensors.torch.save_file(net.state_dict(), tmp_path / "tiny.safetensors")
    card = {
        "model_id": "tiny/1",
        "modality": "voice",
        "temperature": 1.5,
        "licence": "none",
        "data": ("none",),
        "trust": 0.5,
        "config": {"members": 2, "hidden": 4},
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


def test_the_prior_of_calls_makes_neutral_likelier_by_as_much_as_the_card_says(folder: Path) -> None:
    path = folder / "tiny.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"config": card["config"] | {"calls_offset": 1.2}}))
    balanced = VoiceModel("tiny", 4, folder, prior="balanced")
    balanced.load("cpu")
    calls = _loaded("tiny", folder)
    assert (calls.model_id, balanced.model_id) == ("tiny/1", "tiny/1+balanced")
    p, q = calls.predict(_windows(5)).p, balanced.predict(_windows(5)).p
    odds = (p[:, 0] / p[:, 1]) / (q[:, 0] / q[:, 1])
    np.testing.assert_allclose(odds, np.exp(1.2 / 1.5), rtol=1e-9)  # the temperature is 1.5
    np.testing.assert_allclose(p[:, 2] / p[:, 1], q[:, 2] / q[:, 1], rtol=1e-9)


def test_answers_at_the_prior_of_calls_become_those_of_the_balanced_model(folder: Path) -> None:
    state = safetensors.torch.load_file(folder / "tiny.safetensors")
    state["heads.domain.limits"] = torch.tensor([-1e30, 1e30])  # half of every answer is doubt
    safetensors.torch.save_file(state, folder / "tiny.safetensors")
    card = read_card("tiny", folder).model_dump(exclude={"sha256", "labels"})
    write_card("tiny", card | {"config": card["config"] | {"calls_offset": 1.2}}, folder)
    balanced, calls = VoiceModel("tiny", 4, folder, prior="balanced"), _loaded("tiny", folder)
    balanced.load("cpu")
    expected, found = balanced.predict(_windows(5)), calls.balanced.of(calls.predict(_windows(5)))
    assert expected.removed == pytest.approx(0.5)
    assert calls.balanced.model_id == balanced.model_id
    np.testing.assert_allclose(found.p, expected.p, rtol=1e-9)
    np.testing.assert_array_equal(found.removed, expected.removed)


def test_where_nothing_is_known_the_balanced_answer_is_flat() -> None:
    unknown = Predictions(np.full((1, 7), 1 / 7), np.ones(1))
    np.testing.assert_allclose(Balanced("tiny/1+balanced", 4.0).of(unknown).p, 1 / 7)


def test_pauses_and_padding_are_not_counted_in_the_statistics() -> None:
    torch.manual_seed(0)
    x = torch.zeros(1, *SHAPE)
    x[0, 7, 60:100] = 1.25
    x[0, 9, 120] = 1.25 - 0.4  # 16 dB below
    x[0, 9, 140] = 1.25 - 0.6  # 24 dB below
    chosen = loud(x)
    assert chosen[0].nonzero().flatten().tolist() == [*range(30, 50), 60]
    block = torch.randn(1, 100, 3)
    heard = block[0, chosen[0]]
    expected = torch.cat([heard.mean(dim=0), heard.std(dim=0, unbiased=False)])
    torch.testing.assert_close(statistics([block], chosen)[0], expected)
    assert loud(torch.zeros(1, *SHAPE)).all()  # where nothing is louder than the rest


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
    net = VoiceNet(card.config["members"], card.config["hidden"])
    assert sum(p.numel() for p in net.parameters()) == card.config["parameters"] < 6_000_000
    assert card.trust == card.figures["stream, each window: uar"]


def test_another_shape_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"shape \(64, 126\), expected \(80, 200\)"):
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


def test_the_heads_average_log_probabilities() -> None:
    heads = VoiceNet(members=2, hidden=4).eval().heads
    x = torch.randn(3, 1536)
    with torch.inference_mode():
        one, two = (member(heads.norm(x)).log_softmax(dim=1) for member in heads.members)
        torch.testing.assert_close(heads(x), (one + two) / 2)


def test_in_training_every_member_answers_and_a_barred_class_is_out_of_the_question() -> None:
    heads = VoiceNet(members=3, hidden=4).train().heads
    offset = torch.zeros(5, 7)
    offset[:, 6] = -1e4
    found = heads(torch.randn(5, 1536), offset)
    assert found.shape == (15, 7)
    assert (found.argmax(dim=1) != 6).all()
    assert float(found.detach()[:, :6].abs().max()) < 100


def test_what_is_unlike_training_is_flat_and_counts_as_removed(folder: Path) -> None:
    net = VoiceNet(members=2, hidden=4).eval()
    rng = np.random.default_rng(0)
    known = torch.from_numpy(rng.normal(0, 1, (240, *SHAPE)).astype(np.float32) * 0.1)
    with torch.inference_mode():
        net.heads.domain.load_state_dict(fitted_domain(net.with_evidence(known)[1]).state_dict())
    safetensors.torch.save_file(net.state_dict(), folder / "tiny.safetensors")
    write_card("tiny", json.loads((folder / "tiny.json").read_text()), folder)
    model = _loaded("tiny", folder)
    usual = model.predict(list(known[:20].numpy()))
    assert (usual.removed < 0.2).mean() > 0.9
    strange = model.predict([np.full(SHAPE, 3, np.float32)])
    assert strange.removed[0] == 1.0
    np.testing.assert_allclose(strange.p, 1 / 7)


def test_a_domain_that_was_never_fitted_removes_nothing() -> None:
    net = VoiceNet(members=1, hidden=4).eval()
    assert float(net.heads.domain(1e3 * torch.randn(4, 1536)).max()) == 0.0


def test_the_heads_overfit_a_tiny_batch() -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(14, 1536), torch.arange(14) % 7
    heads = Heads(1536, members=1, hidden=16, dropout=0.0)
    optimiser = torch.optim.AdamW(heads.parameters(), 3e-3)
    for _ in range(40):
        loss = functional.cross_entropy(heads(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (heads.eval()(x).argmax(dim=1) == labels).all()
