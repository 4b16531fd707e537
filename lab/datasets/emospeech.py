"""Reader of EmoSpeech, one-word recordings made on telephones.

The labels are weak and the speakers unknown: train on it, never judge by it.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Corpus, Said, read_clips
from affectstream.schemas.errors import InputError

SOURCE = "EmoSpeech (a part of 1,100 recordings)"
LAYOUT = "expected EMOTION/PLACE_NUMBER.wav or .ogg (emotion angry, calm, fearful or happy)"
LABELS = {"angry": "angry", "calm": "neutral", "fearful": "fear", "happy": "happy"}

_NAME = re.compile(r"([a-z]+)_\d+")


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder``, the place as the speaker; raises InputError for another layout."""
    return read_clips(folder, _said, "EmoSpeech", LAYOUT)


def _said(path: Path) -> Said:
    named, code = _NAME.fullmatch(path.stem), path.parent.name
    if named is None or code not in LABELS:
        raise InputError("the name is not PLACE_NUMBER in a folder of one of the four emotions")
    return Said(LABELS[code], code, named[1], "", "")
