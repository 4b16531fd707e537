"""Reader of EmoDB, German speech of ten actors.

Burkhardt et al., "A Database of German Emotional Speech", Interspeech 2005.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Corpus, Said, named, read_clips
from affectstream.schemas.errors import InputError

SOURCE = "EmoDB (Burkhardt et al., 2005)"
LAYOUT = (
    "expected FOLDER/wav/SSTTTEV.wav (speaker 03 or 08 to 16, text a01 to b10, emotion W, L, E, A, F, T or "
    "N, version)"
)
LABELS = {
    "W": "angry",
    "E": "disgust",
    "A": "fear",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
BOREDOM = "L"  # no place among the seven, and not neutral to a listener: left out
SEX = {
    **dict.fromkeys(("03", "10", "11", "12", "15"), "male"),
    **dict.fromkeys(("08", "09", "13", "14", "16"), "female"),
}

_NAME = re.compile(rf"({'|'.join(SEX)})([ab]\d\d)([WLEAFTN])([a-z]?)")


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder`` but the bored ones; raises InputError for another layout."""
    return read_clips(folder, _said, "EmoDB", LAYOUT)


def _said(path: Path) -> Said:
    name = named(path, _NAME, "speaker, text, emotion and version as in 03a01Fa")
    if name[3] == BOREDOM:
        raise InputError("boredom, which is none of the seven")
    return Said(LABELS[name[3]], name[3], name[1], SEX[name[1]], name[2])
