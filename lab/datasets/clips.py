"""Spoken clips as the readers of acted speech return them."""

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple

import numpy as np
import soundfile

from affectstream.lab.datasets.files import OfFile, Skipped, equal_files, files_below, read_each
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX

MIN_SECONDS = 0.5
MOST_LACKING = 1024  # bytes that a WAV may be shorter than its header says: some writers miscount by a chunk
UNKNOWN_LENGTH = 0xFFFFFFFF  # in the header of a WAV that was written to a pipe
SUFFIXES = frozenset({".wav", ".flac", ".ogg"})


class Said(NamedTuple):
    """What a corpus tells of one clip, by its file name or by a list."""

    emotion: str  # one of affectstream.schemas.labels.EMOTIONS
    code: str  # the corpus's own name for it
    speaker: str
    sex: str  # "male" or "female"; empty where the corpus does not tell
    sentence: str


@dataclass(frozen=True)
class Clip:
    """One readable clip of speech and what the corpus tells of it."""

    path: Path
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    emotion_code: str  # the corpus's own
    speaker: str  # never to be divided between training and test
    sex: str  # "male", "female" or empty
    sentence: str
    seconds: float
    sha256: str  # of the file


@dataclass(frozen=True)
class Corpus(Generic[OfFile]):
    """The readable clips in the order of their paths, and what was left out with the reason."""

    clips: tuple[OfFile, ...]
    skipped: Skipped

    def duplicates(self) -> list[tuple[OfFile, ...]]:
        """Return the groups of clips whose files are equal to the last byte."""
        return equal_files(self.clips)


def read_clips(folder: Path, said: Callable[[Path], Said], title: str, layout: str) -> Corpus[Clip]:
    """Return the clips under ``folder``; ``said`` raises InputError for one that is to be left out."""

    def one(path: Path) -> Clip:
        emotion, code, speaker, sex, sentence = said(path)
        seconds, sha256 = checked(path)
        return Clip(path, INDEX[emotion], code, speaker, sex, sentence, seconds, sha256)

    return Corpus(*read_each(files_below(folder, SUFFIXES), one, folder, title, layout))


def named(path: Path, pattern: re.Pattern[str], layout: str) -> re.Match[str]:
    """Return the match of a file's name without its suffix; raises InputError where it is not ``layout``."""
    found = pattern.fullmatch(path.stem)
    if found is None:
        raise InputError(f"the name is not {layout}")
    return found


def checked(path: Path) -> tuple[float, str]:
    """Return seconds and sha256 of a file that holds sound; raises InputError for what is to be left out.

    It is decoded whole, since a header promises what a torn file lacks.
    """
    try:
        raw = path.read_bytes()
        _require_whole(raw)
        samples, rate_hz = soundfile.read(io.BytesIO(raw), dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise InputError("cannot be decoded as audio") from error
    seconds = len(samples) / rate_hz
    if seconds < MIN_SECONDS:
        raise InputError(f"only {seconds:.2f} s long, less than {MIN_SECONDS} s")
    if not np.isfinite(samples).all() or not samples.any():
        raise InputError("holds no sound: all zero or not finite")
    return seconds, hashlib.sha256(raw).hexdigest()


def _require_whole(raw: bytes) -> None:
    """Raise InputError for a WAV that breaks off: its decoder takes what is there for all there was."""
    said = int.from_bytes(raw[4:8], "little")
    if raw[:4] == b"RIFF" and said != UNKNOWN_LENGTH and said + 8 - len(raw) > MOST_LACKING:
        raise InputError("is torn: shorter than its header says")
