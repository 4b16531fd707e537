"""What other people's models say of the same moment of a clip, each by speakers it was not trained on.

``posteriors.csv`` of the corpus folder ``ravdess-av-posteriors``: a voice model and two face models, one over
the mean of a clip's action units, one over their course, on 1,200 audio-visual clips of RAVDESS, eight
classes folded to seven (Luna-Jimenez et al. 2021 and 2022). Their conflicts are real and their skills
unequal, which pairs by label have neither of. The probabilities are as the models gave them: not calibrated.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affectstream.lab.datasets import files
from affectstream.lab.fusion.windows import Indices, Log
from affectstream.models.fusion.evidence import FLAT, Array, Evidence
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, INDEX, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

CORPUS, FILE = "ravdess-av-posteriors", "posteriors.csv"
VOICE, FACES = "voice", ("face_mean", "face_lstm")
ARRANGEMENTS = {  # which face models are the face; of both, their mean
    "both face models": FACES,
    "the model of means": FACES[:1],
    "the model of courses": FACES[1:],
}


@dataclass(frozen=True)
class Moments:
    """Clips in the order of the file."""

    voice: Array  # (clips, 7)
    faces: dict[str, Array]  # by model, (clips, 7)
    labels: Indices  # (clips,)
    actors: np.ndarray[tuple[int, ...], np.dtype[np.str_]]  # (clips,)
    folds: Indices  # (clips,); no actor is in two

    def log(self, faces: tuple[str, ...] = FACES) -> Log:
        """Return the clips as windows of face and voice without words, of full quality and trust."""
        face = sum((self.faces[name] for name in faces), np.zeros_like(self.voice)) / len(faces)
        flat = np.full_like(self.voice, FLAT)
        by_modality = {"video": face, "audio": self.voice, "text": flat}
        p = np.stack([by_modality[m] for m in MODALITIES], axis=1)
        present = np.tile([m != "text" for m in MODALITIES], (len(p), 1))
        one = np.ones(present.shape)
        source = f"{len(p)} clips of RAVDESS, actors 1 to 20: face and voice at once, by others' models."
        return Log(Evidence(p, present, one, one), self.labels, self.actors, source)


def read(data: Path | None = None) -> Moments:
    """Return the clips under the folder of the corpora; raises InputError, naming what is wrong."""
    path = files.of_corpus(CORPUS, data, FILE) / FILE
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        voice, *faces = (_probabilities(rows, name) for name in (VOICE, *FACES))
        return Moments(
            voice,
            dict(zip(FACES, faces, strict=True)),
            np.array([INDEX[row["emotion"]] for row in rows], dtype=np.int64),
            np.array([f"actor {int(row['actor']):02d}" for row in rows]),
            np.array([int(row["fold"]) for row in rows], dtype=np.int64),
        )
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not the table of {CORPUS}: {error}") from error


def _probabilities(rows: list[dict[str, str]], model: str) -> Array:
    p = np.array([[float(row[f"{model}_{emotion}"]) for emotion in EMOTIONS] for row in rows])
    if p.shape[1:] != (N_EMOTIONS,) or (np.abs(p.sum(axis=1) - 1.0) > 1e-3).any() or (p < 0.0).any():
        raise ValueError(f"the columns of {model} hold rows that are no distribution")
    return np.asarray(p / p.sum(axis=1, keepdims=True))
