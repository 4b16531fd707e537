"""Reader of TurEV-DB, Turkish words spoken by six people.

Canpolat et al., "Turkish Emotion Voice Database (TurEV-DB)", SLTU-CCURL 2020.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Corpus, Said, named, read_clips

SOURCE = "TurEV-DB (Canpolat et al., 2020)"
LAYOUT = (
    "expected files SPEAKER_EMOTION_WORD.wav or .ogg in any folders (speaker as 1157; emotion kz angry, "
    "hl sad, sk calm or mt happy)"
)
LABELS = {"kz": "angry", "hl": "sad", "sk": "neutral", "mt": "happy"}  # sk, calm, is counted as neutral

_NAME = re.compile(r"(\d{4})_(kz|hl|sk|mt)_(\w+)")


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder``; raises InputError where the layout is another one."""
    return read_clips(folder, _said, "TurEV", LAYOUT)


def _said(path: Path) -> Said:
    name = named(path, _NAME, "SPEAKER_EMOTION_WORD with one of the four emotions")
    return Said(LABELS[name[2]], name[2], name[1], "", name[3])
