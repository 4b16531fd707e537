"""Reader of TESS speech, two women.

Pichora-Fuller and Dupuis, "Toronto emotional speech set", 2020. Two speakers in all: beside its own training
data it measures nothing, so use it for training or across corpora.
"""

import re
from pathlib import Path

from affectstream.lab.datasets.clips import Clip, Corpus, Said, read_clips
from affectstream.schemas.errors import InputError

SOURCE = "TESS (Pichora-Fuller & Dupuis, 2020)"
LAYOUT = (
    "expected files SPEAKER_WORD_EMOTION.wav or .ogg in any folders (speaker OAF or YAF; emotion angry, "
    "disgust, fear, happy, neutral, ps or sad)"
)
LABELS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprise",  # pleasant surprise: the only surprise of the corpus
    "surprise": "surprise",
    "sad": "sad",
}

_NAME = re.compile(r"(OAF?|YAF)_([a-z]+)_([a-z]+)", re.IGNORECASE)


def read(folder: Path) -> Corpus:
    """Return the clips under ``folder``; raises InputError where the layout is another one.

    A common copy holds every file twice, in a folder of the same name one level down: the second is skipped.
    """
    corpus = read_clips(folder, _said, "TESS", LAYOUT)
    first: dict[tuple[str, str], Clip] = {}
    for clip in corpus.clips:
        first.setdefault((clip.path.name, clip.sha256), clip)
    kept = tuple(first.values())
    read_here = {clip.path for clip in kept}
    again = ((c.path, "a copy of a file that was read") for c in corpus.clips if c.path not in read_here)
    return Corpus(kept, (*corpus.skipped, *again))


def _said(path: Path) -> Said:
    named = _NAME.fullmatch(path.stem)
    if named is None or named[3].lower() not in LABELS:
        raise InputError("the name is not SPEAKER_WORD_EMOTION with one of the seven emotions")
    speaker = "OAF" if named[1].upper().startswith("OA") else "YAF"  # one file is called OA_
    code = named[3].lower()
    return Said(LABELS[code], code, speaker, "female", named[2].lower())
