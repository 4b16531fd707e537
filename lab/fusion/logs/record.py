"""Recording of the shipped models' probabilities, one corpus after another."""

from collections.abc import Callable
from pathlib import Path

from affectstream.lab.datasets import files
from affectstream.lab.fusion.logs import face as faces
from affectstream.lab.fusion.logs import text as texts
from affectstream.lab.fusion.logs import voice as voices
from affectstream.lab.fusion.logs.items import ProbabilityLog, path_of, write
from affectstream.models.face.model import FaceModel
from affectstream.models.text.model import TextModel


def face(data: Path | None, run: Path) -> list[ProbabilityLog]:
    """Return the log of the faces; ``run`` is not needed."""
    model = FaceModel(rows=32)
    model.load("cpu")
    return [faces.log(files.of_corpus("ferplus", data), model)]


def voice(data: Path | None, run: Path) -> list[ProbabilityLog]:
    """Return the log of the voices, by the fold networks kept in ``run``."""
    return [voices.log(files.of_corpus("ravdess", data), run)]


def text(data: Path | None, run: Path) -> list[ProbabilityLog]:
    """Return the logs of the texts; ``run`` is not needed."""
    model = TextModel(rows=texts.ROWS)
    model.load("cpu")
    return texts.logs(files.corpora(data), model)


MADE: dict[str, Callable[[Path | None, Path], list[ProbabilityLog]]] = {
    "face": face,
    "voice": voice,
    "text": text,
}


def make(name: str, data: Path | None, run: Path, output: Path) -> list[tuple[Path, ProbabilityLog]]:
    """Make and write the logs of one model; raises InputError, ModelError."""
    logs = MADE[name](data, run)
    paths = [path_of(output, log.modality, i) for i, log in enumerate(logs)]
    for path, log in zip(paths, logs, strict=True):
        write(log, path)
    return list(zip(paths, logs, strict=True))
