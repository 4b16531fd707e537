"""Reader of nEMO, Polish speech of nine actors.

Christop, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING 2024.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Corpus, Said, read_clips
from affectstream.schemas.errors import InputError

SOURCE = "nEMO (Christop, 2024)"
LAYOUT = (
    "expected files SPEAKER_EMOTION_NUMBER.wav or .ogg in any folders (speaker as EB0; emotion anger, fear, "
    "happiness, neutral, sadness or surprised)"
)
LABELS = {
    "anger": "angry",
    "fear": "fear",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprise",
}
WOMEN = ("EB0", "IC0", "KD0", "MK0")
MEN = ("KS0", "MP0", "SM0", "TP0", "WR0")

_NAME = re.compile(r"([A-Z]{2}\d)_([a-z]+)_(\d+)")


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder``; raises InputError where the layout is another one."""
    return read_clips(folder, _said, "nEMO", LAYOUT)


def _said(path: Path) -> Said:
    named = _NAME.fullmatch(path.stem)
    if named is None or named[1] not in WOMEN + MEN or named[2] not in LABELS:
        raise InputError("the name is not SPEAKER_EMOTION_NUMBER with one of the six emotions")
    sex = "female" if named[1] in WOMEN else "male"
    return Said(LABELS[named[2]], named[2], named[1], sex, "")  # the number is that of the take
