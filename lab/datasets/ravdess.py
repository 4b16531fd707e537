"""Reader of RAVDESS speech (Actor_XX folders, labelled by name)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from affectstream.lab.datasets.clips import SUFFIXES, Corpus, checked
from affectstream.lab.datasets.files import read_each
from affectstream.lab.splits import Fold, grouped_folds, merged_groups
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX, RAVDESS

LICENCE = "CC BY-NC-SA 4.0"
SOURCE = "RAVDESS (Livingstone & Russo, 2018)"
FOLDS = 5
LAYOUT = (
    "expected FOLDER/Actor_XX/MM-CC-EE-II-SS-RR-AA.wav or .flac "
    "(seven two-digit fields: modality 03 audio only, channel 01 speech, emotion 01 to 08, intensity, "
    "statement, repetition, actor)"
)


@dataclass(frozen=True)
class Clip:
    """One spoken sentence and what its file name says."""

    path: Path
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    emotion_code: str  # the corpus's own, "02" is calm
    actor: int
    statement: int
    repetition: int
    intensity: int
    sha256: str

    @property
    def sex(self) -> str:
        """Return "male" for odd actors and "female" for even ones, as the corpus numbers them."""
        return "male" if self.actor % 2 else "female"


Clips = Corpus[Clip]


def folds_of(clips: Sequence[Clip], seed: int = 0) -> tuple[Fold, ...]:
    """Return five folds in which an actor and the copies of a file are on one side."""
    groups = merged_groups([c.actor for c in clips], [c.sha256 for c in clips])
    return grouped_folds([(c.label, c.sex) for c in clips], groups.tolist(), FOLDS, seed)


def read(folder: Path) -> Clips:
    """Return the speech clips under ``folder``; raises InputError where the layout is another one.

    Video files are not looked at; songs (channel 02) and files that are torn, silent, too short or wrongly
    named are skipped and listed in the result.
    """
    files = sorted(p for p in folder.glob("Actor_*/*") if p.suffix.lower() in SUFFIXES)
    heard = [path for path in files if not path.name.startswith("._")]  # as a Mac leaves in an archive
    return Clips(*read_each(heard, _clip, folder, "RAVDESS audio", LAYOUT))


def load(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """Return mono samples in [-1, 1] and their rate in Hz; raises InputError for an unreadable file."""
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise InputError(f"{path} cannot be decoded as audio") from error
    return samples.mean(axis=1, dtype=np.float32), int(rate_hz)


def fields(path: Path) -> list[str]:
    """Return the seven fields of the name of a file of speech; raises InputError for another name."""
    found = path.stem.split("-")
    if len(found) != 7 or not all(field.isdecimal() for field in found):
        raise InputError("the name has not seven numeric fields")
    if found[1] != "01":
        raise InputError("not speech (channel 01)")
    if found[2] not in RAVDESS:
        raise InputError(f"emotion {found[2]} is not one of 01 to 08")
    return found


def _clip(path: Path) -> Clip:
    _, _, emotion, intensity, statement, repetition, actor = fields(path)
    _, sha256 = checked(path)
    return Clip(
        path=path,
        label=INDEX[RAVDESS[emotion]],
        emotion_code=emotion,
        actor=int(actor),
        statement=int(statement),
        repetition=int(repetition),
        intensity=int(intensity),
        sha256=sha256,
    )
