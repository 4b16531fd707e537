"""The shipped models on clips of one person, whose modalities belong together.

A clip is one window: the largest face of two frames a second, the two-second stretches of sound that are not
silent, and the words with the turns before them, each averaged as the stream averages a window, by quality.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets import meld, ravdess_video
from affectstream.lab.datasets.moving import Sound, frames, own_sound
from affectstream.lab.evaluation.windows import cut, stream_spans
from affectstream.lab.fusion.windows import Log
from affectstream.models.face.crop import face_crop
from affectstream.models.face.detect import Detector
from affectstream.models.face.model import FaceModel
from affectstream.models.face.quality import face_quality
from affectstream.models.fusion.evidence import FLAT, Evidence
from affectstream.models.protocol import Predictions
from affectstream.models.text.language import text_quality, words_in
from affectstream.models.text.model import TextModel
from affectstream.models.text.tokenise import is_speech
from affectstream.models.voice import features
from affectstream.models.voice.model import VoiceModel
from affectstream.models.voice.quality import quality
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

FPS = 2.0
HEARD_IN_TRAINING = range(1, 21)  # actors of RAVDESS that the shipped voice model learnt from
SPLITS = ("dev", "test")  # of MELD: the shipped text model learnt from train
MELD_LAYOUT = (
    "expected dev_sent_emo.csv or test_sent_emo.csv, and dia0_utt0.mp4 in folders named after the split"
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clip:
    """One labelled clip; no text where the corpus has fixed sentences."""

    path: Path
    label: int
    group: str
    hear: Callable[[], Sound]
    text: str | None = None
    context: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """What one modality says of a clip."""

    p: Floats  # (7,)
    quality: float
    embedding: Floats  # (d,)


@dataclass(frozen=True)
class Readers:
    """The shipped models, loaded."""

    face: FaceModel
    voice: VoiceModel
    text: TextModel
    detector: Detector


def readers() -> Readers:
    """Load the shipped models; raises ModelError."""
    made = Readers(FaceModel(rows=8), VoiceModel(rows=8), TextModel(rows=1), Detector(most=1))
    for model in (made.face, made.voice, made.text):
        model.load("cpu")
    return made


def log(name: str, folder: Path, models: Readers, heed: Callable[[str], None]) -> Log:
    """Return the aligned log of "meld" or "ravdess-video" under ``folder``; raises InputError.

    Clips that cannot be decoded are left out and named to ``heed``.
    """
    clips, about = _meld(folder) if name == "meld" else _ravdess(folder)
    kept, said = [], []
    for clip in clips:
        try:
            said.append((_face(models, clip), _voice(models, clip), _words(models, clip)))
            kept.append(clip)
        except InputError as error:
            heed(str(error))
    if not kept:
        raise InputError(f"no clip under {folder} can be decoded")
    ids = ", ".join(model.model_id for model in (models.face, models.voice, models.text))
    source = f"{about}: {len(kept)} clips, face, voice and words of one person; {ids}."
    labels = np.array([clip.label for clip in kept], dtype=np.int64)
    return Log(_evidence(said, models), labels, np.array([clip.group for clip in kept]), source)


def _meld(folder: Path) -> tuple[list[Clip], str]:
    found = []
    for split in SPLITS:
        listed = folder / f"{split}_sent_emo.csv"
        if listed.exists():
            where = {p.stem: p for p in sorted(folder.rglob("dia*_utt*.mp4")) if split in p.parent.name}
            names = zip(_names(listed), meld.read_meld(listed), strict=True)
            found += [_utterance(where[name], said) for name, said in names if name in where]
    if not found:
        raise InputError(f"no clips of MELD in {folder}: {MELD_LAYOUT}")
    return found, "MELD dev and test as far as found, not trained on"


def _utterance(path: Path, said: meld.Utterance) -> Clip:
    return Clip(path, said.label, said.group, lambda: own_sound(path), said.text, said.context)


def _names(listed: Path) -> Iterator[str]:
    """Yield the clips' names in the order in which ``read_meld`` returns the utterances."""
    with listed.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        ids = [(int(row["Dialogue_ID"]), int(row["Utterance_ID"])) for row in csv.DictReader(file)]
    yield from (f"dia{dialogue}_utt{utterance}" for dialogue, utterance in sorted(ids))


def _ravdess(folder: Path) -> tuple[list[Clip], str]:
    takes = [t for t in ravdess_video.read(folder).takes if t.actor not in HEARD_IN_TRAINING]
    if not takes:
        raise InputError(f"{folder} holds only actors 1 to 20, whom the shipped voice model learnt from")
    clips = [Clip(take.path, take.label, f"actor {take.actor:02d}", take.hear) for take in takes]
    return clips, "RAVDESS video, actors beyond 20, two fixed sentences, so without words"


def _face(models: Readers, clip: Clip) -> Said | None:
    crops, grades = [], []
    for _, picture in frames(clip.path, FPS):
        for face in models.detector.detect(picture):
            crops.append(face_crop(picture, face.box, models.detector.name))
            grades.append(face_quality(crops[-1], face))
    return _mean(models.face.predict(crops), grades) if crops else None


def _voice(models: Readers, clip: Clip) -> Said | None:
    sound = clip.hear()
    parts = [cut(sound.samples, sound.rate_hz, s) for s in stream_spans(sound.samples, sound.rate_hz)]
    prepared = [features.features(part, sound.rate_hz) for part in parts]
    grades = [quality(part, sound.rate_hz) for part in parts]
    return _mean(models.voice.predict(prepared), grades) if parts else None


def _words(models: Readers, clip: Clip) -> Said | None:
    if clip.text is None or not is_speech(clip.text):
        return None
    predictions = models.text.predict([models.text.prepare(clip.text, clip.context)])
    return _mean(predictions, [text_quality(words_in(clip.text), models.text.known_share(clip.text))])


def _mean(predictions: Predictions, grades: Sequence[float]) -> Said:
    """Return the mean by quality, or the plain one where all qualities are zero; quality is the mean one."""
    weights = np.array(grades) if sum(grades) > 0 else np.ones(len(grades))
    weights = weights / weights.sum()
    assert predictions.embeddings is not None
    embedding = weights @ predictions.embeddings.astype(np.float64)
    return Said(weights @ predictions.p, float(np.mean(grades)), embedding)


def _evidence(said: Sequence[Sequence[Said | None]], models: Readers) -> Evidence:
    present = np.array([[one is not None for one in each] for each in said])
    p = np.array([[np.full(N_EMOTIONS, FLAT) if one is None else one.p for one in each] for each in said])
    grades = np.array([[0.0 if one is None else one.quality for one in each] for each in said])
    sizes = [model.embedding_size for model in (models.face, models.voice, models.text)]
    embeddings = tuple(
        np.array([np.zeros(size) if each[m] is None else each[m].embedding for each in said])  # type: ignore[union-attr]
        for m, size in enumerate(sizes)
    )
    return Evidence(p, present, grades, np.ones(present.shape), embeddings)
