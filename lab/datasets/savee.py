"""Reader of SAVEE speech, four English men.

Haq and Jackson, "Multimodal Emotion Recognition", 2010.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Corpus, Said, read_clips
from affectstream.schemas.errors import InputError

SOURCE = "SAVEE (Haq & Jackson, 2010)"
SPEAKERS = ("DC", "JE", "JK", "KL")
LAYOUT = (
    "expected FOLDER/AudioData/SPEAKER/ENN.wav, or all files in one folder as SPEAKER_ENN.wav (speaker DC, "
    "JE, JK or KL; emotion a, d, f, h, n, sa or su; number of the sentence)"
)
LABELS = {
    "a": "angry",
    "d": "disgust",
    "f": "fear",
    "h": "happy",
    "n": "neutral",
    "sa": "sad",
    "su": "surprise",
}

_NAME = re.compile(r"(?:([A-Z]{2})_)?([a-z]{1,2})(\d{2})")


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder``; raises InputError where the layout is another one."""
    return read_clips(folder, _said, "SAVEE", LAYOUT)


def _said(path: Path) -> Said:
    named = _NAME.fullmatch(path.stem)
    if named is None or named[2] not in LABELS:
        raise InputError("the name is not an emotion (a, d, f, h, n, sa, su) and two digits")
    speaker = named[1] or path.parent.name
    if speaker not in SPEAKERS:
        raise InputError(f"neither the name nor the folder is one of the speakers {', '.join(SPEAKERS)}")
    # Sentences are numbered within each emotion, 01 to 03 being common to all of them.
    sentence = named[3] if named[3] <= "03" else f"{named[2]}{named[3]}"
    return Said(LABELS[named[2]], named[2], speaker, "male", sentence)
