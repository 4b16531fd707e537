"""Reader of EmoDB, German speech of ten actors.

Burkhardt et al., "A Database of German Emotional Speech", Interspeech 2005.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Corpus, Said, read_clips
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
MEN = ("03", "10", "11", "12", "15")
WOMEN = ("08", "09", "13", "14", "16")

_NAME = re.compile(r"(\d{2})([ab]\d{2})([WLEAFTN])([a-z]?)")


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder`` but the bored ones; raises InputError for another layout."""
    return read_clips(folder, _said, "EmoDB", LAYOUT)


def _said(path: Path) -> Said:
    named = _NAME.fullmatch(path.stem)
    if named is None or named[1] not in MEN + WOMEN:
        raise InputError("the name is not speaker, text, emotion and version as in 03a01Fa")
    if named[3] == BOREDOM:
        raise InputError("boredom, which is none of the seven")
    return Said(LABELS[named[3]], named[3], named[1], "male" if named[1] in MEN else "female", named[2])
