"""Whisper's layers are read from CTranslate2's file, and what is another file is refused."""

import hashlib
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from affectstream.lab.training.networks import whisper
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.schemas.errors import InputError


def _name(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def _file(variables: dict[str, np.ndarray]) -> bytes:
    parts = [struct.pack("<I", 6), _name("WhisperSpec"), struct.pack("<II", 3, len(variables))]
    for name, array in variables.items():
        shape = struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        content = array.astype(np.float16).tobytes()
        parts += [_name(name), shape, struct.pack("<BI", 4, len(content)), content]
    return b"".join(parts)


def _variables() -> dict[str, np.ndarray]:
    rng, w = np.random.default_rng(0), 384
    shapes = {"conv1/weight": (w, 80, 3), "conv1/bias": (w,), "conv2/weight": (w, w, 3), "conv2/bias": (w,)}
    for layer in ("layer_0", "layer_1"):
        for norm in ("self_attention/layer_norm", "ffn/layer_norm"):
            shapes |= {f"{layer}/{norm}/gamma": (w,), f"{layer}/{norm}/beta": (w,)}
        for product, (rows, columns) in {
            "self_attention/linear_0": (3 * w, w),
            "self_attention/linear_1": (w, w),
            "ffn/linear_0": (4 * w, w),
            "ffn/linear_1": (w, 4 * w),
        }.items():
            shapes |= {f"{layer}/{product}/weight": (rows, columns), f"{layer}/{product}/bias": (rows,)}
    return {f"encoder/{name}": 0.05 * rng.normal(size=shape) for name, shape in shapes.items()}


def test_the_layers_of_a_file_are_those_of_the_encoder() -> None:
    variables = _variables()
    encoder = SpeechEncoder(384, 6, 2).eval()
    encoder.load_state_dict(whisper.tensors(whisper.parsed(_file(variables))))
    weight = encoder.blocks[1].inner[2].weight.detach().numpy()
    np.testing.assert_allclose(weight, variables["encoder/layer_1/ffn/linear_1/weight"], atol=1e-3)
    with torch.inference_mode():
        first, second = encoder(torch.zeros(1, 80, 200))
    assert first.shape == second.shape == (1, 100, 384)


def test_positions_are_sines_then_cosines() -> None:
    found = whisper.sinusoids(3, 8)
    assert found[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert found[2, 0] == pytest.approx(np.sin(2))
    assert found[1, 7] == pytest.approx(np.cos(1e-4))


def test_another_file_is_refused() -> None:
    with pytest.raises(InputError, match="not a model file"):
        whisper.parsed(b"RIFF....")


def test_a_file_in_parts_is_put_together_and_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _file(_variables())
    halves = {"first-half==1.0": content[:1000], "second-half==1.0": content[1000:]}
    for package, part in halves.items():
        wheel = tmp_path / f"{package.partition('==')[0].replace('-', '_')}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as file:
            file.writestr("model.bin", part)
    monkeypatch.setattr(whisper.sys, "executable", "/bin/true")
    digest = hashlib.sha256(content).hexdigest()
    source = replace(whisper.TINY_EN, parts=dict.fromkeys(halves, "model.bin"), sha256="0" * 64)
    with pytest.raises(InputError, match="not the file that is expected: delete"):
        whisper.encoder(tmp_path, print, source)
    found = whisper.encoder(tmp_path, print, replace(source, sha256=digest))
    assert not list(tmp_path.glob("*.whl"))
    weight = found.first.weight.detach().numpy()
    np.testing.assert_allclose(weight, _variables()["encoder/conv1/weight"], atol=1e-3)


def test_a_package_that_cannot_be_had_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = replace(whisper.TINY_EN, parts={"no-such-package-of-ours==0.0.0": "model.bin"})
    monkeypatch.setattr(whisper.sys, "executable", "/bin/false")
    told: list[str] = []
    with pytest.raises(InputError, match="cannot be fetched: no wheel; put its wheel into"):
        whisper.encoder(tmp_path, told.append, nowhere)
    assert "package index" in told[0]
