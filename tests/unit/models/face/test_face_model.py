"""The shipped face model: the same bits in any batch, probabilities, clear errors, figures on real data."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import data
from support.paths import DATA

from affectstream.lab.datasets.ferplus import load_npz
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.tasks.face import outcomes_of
from affectstream.models.face import model as face_model
from affectstream.models.face.crop import face_crop
from affectstream.models.face.detect import Detector
from affectstream.models.face.model import FaceModel
from affectstream.models.face.network import FaceNet
from affectstream.models.face.quality import face_quality
from affectstream.models.weights import write_card
from affectstream.schemas.errors import InputError, ModelError
from affectstream.schemas.labels import EMOTIONS

FERPLUS = DATA / "ferplus"


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16])
def model(request: pytest.FixtureRequest) -> FaceModel:
    shipped = FaceModel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_model, "product_type", lambda device: request.param)
        shipped.load("cpu")
    return shipped


def faces(n: int) -> list[np.ndarray]:
    coarse = np.random.default_rng(0).integers(20, 230, (n, 8, 8)).astype(np.uint8)
    return [cv2.resize(one, (48, 48), interpolation=cv2.INTER_CUBIC) for one in coarse]


def test_a_face_gives_the_same_bits_alone_and_anywhere_in_any_batch(model: FaceModel) -> None:
    crops = faces(20)
    together = model.predict(crops).p
    alone = np.concatenate([model.predict([crop]).p for crop in crops])
    backwards = model.predict(crops[::-1]).p[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)


def test_an_unsure_face_is_the_same_as_its_mirror_image_and_a_sure_one_is_looked_at_once(
    model: FaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = faces(12)
    mirrored = [crop[:, ::-1].copy() for crop in crops]
    looks = []
    inner = model._maps
    monkeypatch.setattr(model, "_maps", lambda rows: looks.append(len(rows)) or inner(rows))
    with monkeypatch.context() as patch:
        patch.setitem(model._config, "mirror_below", 1.1)
        assert model.predict(crops).p == pytest.approx(model.predict(mirrored).p, abs=1e-6)
        assert looks == [12, 12, 12, 12]
    with monkeypatch.context() as patch:
        patch.setitem(model._config, "mirror_below", 0.0)
        assert np.abs(model.predict(crops).p - model.predict(mirrored).p).max() > 1e-3
        assert looks[4:] == [12, 12]


def test_rows_are_probabilities(model: FaceModel) -> None:
    p = model.predict(faces(20)).p
    assert p.shape == (20, 7)
    assert p.dtype == np.float64
    assert (p > 0).all()
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-12
    assert model.predict([]).p.shape == (0, 7)


def test_brightness_and_contrast_of_the_picture_hardly_matter(model: FaceModel) -> None:
    crops = faces(10)
    darker = [(crop * 0.7).astype(np.uint8) for crop in crops]
    assert np.abs(model.predict(crops).p - model.predict(darker).p).max() < 0.1


def test_a_smiling_portrait_is_called_happy_end_to_end(model: FaceModel) -> None:
    frame = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    (face,) = Detector().detect(frame)
    crop = face_crop(frame, face.box)
    assert EMOTIONS[int(model.predict([crop]).p.argmax())] == "happy"
    assert face_quality(crop, face) > 0.8


def test_a_wrong_input_and_a_model_that_is_not_loaded_are_told_apart(model: FaceModel) -> None:
    for wrong in (np.zeros((64, 64), np.uint8), np.zeros((48, 48), np.float32)):
        with pytest.raises(InputError, match="gray uint8 crop"):
            model.predict([wrong])
    with pytest.raises(ModelError, match=r"before load\(\)"):
        FaceModel().predict(faces(1))


def test_weights_that_do_not_fit_their_card_are_a_model_error(tmp_path: Path) -> None:
    save_file(FaceNet((8, 16), (1, 1)).state_dict(), tmp_path / "face.safetensors")
    card = {
        "model_id": "face-test/1",
        "modality": "video",
        "temperature": 1.0,
        "licence": "none",
        "data": (),
        "trust": 0.5,
        "config": {"widths": [8, 32], "depths": [1, 1]},
        "figures": {},
    }
    write_card("face", card, tmp_path)
    with pytest.raises(ModelError, match="network of its card"):
        FaceModel(folder=tmp_path).load("cpu")
    write_card("face", card | {"config": {"widths": [8, 16], "depths": [1, 1]}}, tmp_path)
    with pytest.raises(ModelError, match="cannot be used on 'abacus'"):
        FaceModel(folder=tmp_path).load("abacus")
    working = FaceModel(folder=tmp_path)
    working.load("cpu")
    assert working.model_id == "face-test/1"
    assert working.predict(faces(1)).p.shape == (1, 7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_says_what_the_cpu_says(model: FaceModel) -> None:
    on_gpu = FaceModel()
    on_gpu.load("cuda")
    assert np.abs(on_gpu.predict(faces(20)).p - model.predict(faces(20)).p).max() < 0.01


@pytest.mark.skipif(not FERPLUS.is_dir(), reason=f"no FER+ data at {FERPLUS} (AFFECT_DATA names the folder)")
def test_shipped_weights_reach_the_figures_of_their_card_on_public_test() -> None:
    model = FaceModel(rows=32)
    model.load("cpu")
    public_test = load_npz(FERPLUS / "valid.npz")
    some = public_test.take(np.arange(0, len(public_test.images), 6))
    judged_by = outcomes_of("PublicTest", some, model.predict(list(some.images)).p, 1.0, None)[0]
    main = summary(judged_by.after, judged_by.labels)
    assert main["accuracy"] > 0.80
    assert main["macro_f1"] > 0.65
    assert main["ece"] < 0.05
