"""Face models in ONNX files are recognised by name, checked by hash and computed by OpenCV."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from affectstream.models.face.crop import Box
from affectstream.models.hub.onnx_face import OnnxFaceModel
from affectstream.schemas.errors import InputError, ModelError
from affectstream.schemas.labels import INDEX

onnx = pytest.importorskip("onnx", reason="the onnx package writes the files that these tests read")

PICTURE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def _write(path: Path, outputs: int, weight: np.ndarray | None = None) -> Path:
    """Write a network of one layer: the mean of each colour, times ``weight`` (3, outputs)."""
    made = np.eye(3, outputs, dtype=np.float32) if weight is None else weight.astype(np.float32)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
            onnx.helper.make_node("Flatten", ["mean"], ["flat"]),
            onnx.helper.make_node("Gemm", ["flat", "weight"], ["output"]),
        ],
        "face",
        [onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, 3, None, None])],
        [onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, [1, outputs])],
        [onnx.numpy_helper.from_array(made, "weight")],
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    path.write_bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    return path


@pytest.mark.parametrize(
    ("name", "outputs", "side", "contempt"),
    [
        ("enet_b0_8_best_vgaf", 8, 224, True),
        ("enet_b0_8_va_mtl", 10, 224, True),
        ("enet_b2_7", 7, 260, False),
        ("enet_b2_8_best", 8, 260, True),
        ("mbf_va_mtl", 10, 112, True),
    ],
)
def test_every_family_has_its_size_order_and_outputs(
    tmp_path: Path, name: str, outputs: int, side: int, contempt: bool
) -> None:
    """The logits are the mean red, green and blue: anger, contempt (or disgust), disgust (or fear)."""
    model = OnnxFaceModel(str(_write(tmp_path / f"{name}.onnx", outputs)))
    model.load("cpu")
    seen = model.prepare(PICTURE, Box(20, 20, 60, 60))
    assert seen.shape == (3, side, side)
    logits = np.zeros(8 if contempt else 7)
    logits[:3] = seen.astype(np.float64).mean(axis=(1, 2))
    shares = softmax(logits)
    predictions = model.predict([seen])
    row = predictions.p[0]
    kept = 1 - shares[1] if contempt else 1.0
    assert row[INDEX["angry"]] == pytest.approx(shares[0] / kept, abs=1e-6)
    assert row[INDEX["disgust"]] == pytest.approx(shares[2 if contempt else 1] / kept, abs=1e-6)
    assert predictions.removed[0] == pytest.approx(1 - kept, abs=1e-6)


def test_the_colours_are_normalised_as_in_training(tmp_path: Path) -> None:
    red = np.zeros((60, 60, 3), np.uint8)
    red[:, :, 2] = 255  # BGR
    model = OnnxFaceModel(str(_write(tmp_path / "enet_b0_8.onnx", 8)))
    seen = model.prepare(red, Box(10, 10, 30, 30))
    assert seen[:, 0, 0] == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], rel=1e-5)


def test_equal_faces_give_equal_bits_in_whatever_batch(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).normal(size=(3, 8))
    model = OnnxFaceModel(str(_write(tmp_path / "enet_b0_8.onnx", 8, weight)))
    model.load("cpu")
    faces = [model.prepare(PICTURE, Box(10 * i, 5, 40, 50)) for i in range(4)]
    alone = np.concatenate([model.predict([one]).p for one in faces])
    assert np.array_equal(model.predict(faces).p, alone)
    assert model.predict([]).p.shape == (0, 7)


def test_the_file_may_be_pinned_by_its_hash(tmp_path: Path) -> None:
    path = str(_write(tmp_path / "enet_b0_8.onnx", 8))
    model_id = OnnxFaceModel(path).model_id
    assert OnnxFaceModel(path, model_id.removeprefix("enet_b0_8@")).model_id == model_id
    with pytest.raises(ModelError, match=r"has the sha256 .* not the revision 00ff"):
        OnnxFaceModel(path, "00ff")


def test_files_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no known face model: its name must begin with one of enet_b0"):
        OnnxFaceModel("whatever.onnx")
    with pytest.raises(ModelError, match=r"no face model at .*: name an ONNX file that is there"):
        OnnxFaceModel(str(tmp_path / "enet_b0_8.onnx"))
    (tmp_path / "enet_b0_8.onnx").write_bytes(b"torn")
    with pytest.raises(ModelError, match="is not an ONNX file that OpenCV"):
        OnnxFaceModel(str(tmp_path / "enet_b0_8.onnx")).load("cpu")
    with pytest.raises(ModelError, match="has 7 outputs, enet_b2_8 has 8"):
        OnnxFaceModel(str(_write(tmp_path / "enet_b2_8_x.onnx", 7))).load("cpu")
    model = OnnxFaceModel(str(_write(tmp_path / "mbf_va_mtl.onnx", 10)))
    with pytest.raises(ModelError, match=r"before load\(\)"):
        model.predict([np.zeros((3, 112, 112), np.float32)])
    model.load("cpu")
    with pytest.raises(InputError, match=r"must be prepared as \(3, 112, 112\)"):
        model.predict([np.zeros((3, 48, 48), np.float32)])
