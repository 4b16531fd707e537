"""Reader of nEMO, Polish speech of nine actors.

Christop, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING 2024.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Corpus, Said, named, read_clips

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
SEX = {
    **dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), "female"),
    **dict.fromkeys(("KS0", "MP0", "SM0", "TP0", "WR0"), "male"),
}

_NAME = re.compile(rf"({'|'.join(SEX)})_({'|'.join(LABELS)})_\d+")  # the number is that of the take


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder``; raises InputError where the layout is another one."""
    return read_clips(folder, _said, "nEMO", LAYOUT)


def _said(path: Path) -> Said:
    name = named(path, _NAME, "SPEAKER_EMOTION_NUMBER with one of the six emotions")
    return Said(LABELS[name[2]], name[2], name[1], SEX[name[1]], "")
