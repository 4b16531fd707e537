"""Reader of RAVDESS video: speech with picture, labelled by name, sound on the picture's clock.

Modality 01 carries its own sound; 02 is the same take without it, and takes the sound of 03 beside it, which
was recorded and cut together with the picture.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from affectstream.lab.datasets import ravdess
from affectstream.lab.datasets.files import Skipped, files_below, read_each
from affectstream.lab.datasets.moving import Sound, Span, own_sound, picture_span, separate_sound
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import INDEX, RAVDESS

MIN_SECONDS = 0.5
MOST_APART_S = 0.5  # of the ends of sound and picture
LAYOUT = (
    "expected Actor_XX folders with MM-CC-EE-II-SS-RR-AA.mp4 (seven two-digit fields: modality 01 with sound "
    "or 02 without, then with 03-....wav or .flac beside it; channel 01 speech, emotion 01 to 08, intensity, "
    "statement, repetition, actor)"
)
VIDEOS = frozenset({".mp4", ".mov", ".avi", ".mkv"})
SOUNDS = frozenset({".wav", ".flac"})


@dataclass(frozen=True)
class Take:
    """One sentence with face and voice and what the name of its file says."""

    path: Path
    sound: Path  # the video itself, or the file of modality 03
    label: int  # index into affectstream.schemas.labels.EMOTIONS
    emotion_code: str  # the corpus's own, "02" is calm
    actor: int  # never to be divided between training and test
    statement: int
    repetition: int
    intensity: int
    seconds: float  # of the picture
    sha256: str

    def hear(self) -> Sound:
        """Return the sound on the clock of the picture; raises InputError."""
        return own_sound(self.path) if self.sound == self.path else separate_sound(self.sound)


@dataclass(frozen=True)
class Takes:
    """The readable takes in the order of their paths, and what was left out with the reason."""

    takes: tuple[Take, ...]
    skipped: Skipped


def read(folder: Path) -> Takes:
    """Return the takes under ``folder``; raises InputError where the layout is another one.

    Where a take is there with sound and without, the silent copy is skipped: the two are one recording.
    """
    videos, sounds = files_below(folder, VIDEOS), files_below(folder, SOUNDS)
    beside = {path.stem: path for path in sounds}
    with_sound = frozenset(path.stem[2:] for path in videos if path.stem.startswith("01-"))
    one = partial(_take, beside=beside, with_sound=with_sound)
    return Takes(*read_each(videos, one, folder, "RAVDESS video", LAYOUT))


def _take(path: Path, beside: Mapping[str, Path], with_sound: frozenset[str]) -> Take:
    modality, _, emotion, intensity, statement, repetition, actor = ravdess.fields(path)
    if modality not in ("01", "02"):
        raise InputError(f"modality {modality} is not 01 or 02")
    silent = modality == "02"
    if silent and path.stem[2:] in with_sound:
        raise InputError("the same take is there with sound")
    sound = beside.get("03" + path.stem[2:]) if silent else path
    if sound is None:
        raise InputError("no sound: it has none of its own and no file of modality 03 lies beside it")
    return Take(
        path=path,
        sound=sound,
        label=INDEX[RAVDESS[emotion]],
        emotion_code=emotion,
        actor=int(actor),
        statement=int(statement),
        repetition=int(repetition),
        intensity=int(intensity),
        seconds=_checked(path, sound),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _checked(path: Path, sound: Path) -> float:
    """Return the seconds of the picture after comparing its ends with those of the sound."""
    picture = picture_span(path)
    seconds = picture.end_s - picture.start_s
    if seconds < MIN_SECONDS:
        raise InputError(f"only {seconds:.2f} s long, less than {MIN_SECONDS} s")
    heard = own_sound(path) if sound == path else separate_sound(sound)
    if not heard.samples.any():
        raise InputError("holds no sound: all zero")
    span = Span(heard.start_s, heard.start_s + len(heard.samples) / heard.rate_hz)
    apart = max(abs(span.start_s - picture.start_s), abs(span.end_s - picture.end_s))
    if apart > MOST_APART_S:
        raise InputError(f"the ends of sound and picture lie {apart:.2f} s apart")
    return seconds
