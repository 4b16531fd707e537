"""Labelled clips of one person: the emotion by file name or table, and what each modality makes of them.

A clip's distribution is the mean over its windows: of a modality weighed by its quality, of the fused emotion
plain. Where a modality has nothing to show it is uniform, and counts so: abstaining is no way out.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affectstream.lab.bootstrap import intervals, paired
from affectstream.lab.datasets.files import files_below
from affectstream.lab.evaluation.document import Block, Bullets, Heading, Paragraph, Table
from affectstream.lab.evaluation.outcome import About, Outcome
from affectstream.lab.statistics import Floats
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, INDEX, N_EMOTIONS, RAVDESS
from affectstream.schemas.messages import MODALITIES, FusedEmotion, Modality

MEDIA = frozenset({".mp4", ".mov", ".mkv", ".avi", ".webm", ".wav", ".flac", ".ogg", ".mp3", ".m4a"})
TRANSCRIPTS = (".vtt", ".srt", ".json")
TABLE = "labels.csv"
WORDS = {
    **{emotion: emotion for emotion in EMOTIONS},
    **{"calm": "neutral", "happiness": "happy", "joy": "happy", "sadness": "sad", "anger": "angry"},
    **{"fearful": "fear", "disgusted": "disgust", "surprised": "surprise"},
}
RAVDESS_NAME = re.compile(r"0[12]-01-(0[1-8])(-\d\d){4}")
NAMES: dict[str, str] = {"video": "face", "audio": "voice", "text": "words", "fused": "fused"}
FIGURES = {"accuracy": "accuracy", "uar": "UAR", "nll": "NLL", "ece": "ECE"}
LAYOUT = (
    f"name the emotion in each file's name ({', '.join(EMOTIONS)}), as in W015_level_1_neutral_030.mp4, or "
    f"in a table {TABLE} with the columns path and emotion"
)


@dataclass(frozen=True)
class LabelledClip:
    """A media file, its emotion, whom it is of, and its words where a transcript lies beside it."""

    path: Path
    label: int
    speaker: str
    transcript: Path | None


def read(folder: Path, table: Path | None = None) -> tuple[LabelledClip, ...]:
    """Return the clips under ``folder`` in the order of their paths; raises InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of clips")
    listed = table or (folder / TABLE if (folder / TABLE).is_file() else None)
    clips = tuple(_listed(folder, listed) if listed else _named(folder))
    if not clips:
        raise InputError(f"no labelled clip in {folder}: {LAYOUT}")
    return clips


def outcomes(
    clips: Sequence[LabelledClip], windows: Mapping[int, Sequence[FusedEmotion]], whole: bool
) -> dict[str, Outcome]:
    """Return what face, voice, words and the fused emotion make of the clips, or of their windows.

    ``windows`` are the finals by the number of the clip. A modality that is nowhere present is left out.
    """
    said = {name: [_by_window(windows[i], name) for i in sorted(windows)] for name in NAMES}
    kept = [name for name, each in said.items() if any(weights.any() for _, weights in each)]
    labels, speakers = [], []
    for i in sorted(windows):
        size = 1 if whole else len(windows[i])
        labels += [clips[i].label] * size
        speakers += [clips[i].speaker] * size
    about = About("clips", "labelled clips", "all", "as named", "speakers")
    found = {}
    for name in kept:
        p = np.concatenate([_mean(*each)[None] if whole else each[0] for each in said[name]])
        found[name] = Outcome(about, np.array(labels, dtype=np.int64), tuple(speakers), p, p)
    return found


def blocks(
    clips: Sequence[LabelledClip], windows: Mapping[int, Sequence[FusedEmotion]], draws: int
) -> Iterator[Block]:
    """Yield what each clip was taken for, the figures of each modality, and fused against the best one."""
    yield Heading("Labelled clips", 1)
    yield Paragraph(
        f"{len(windows)} clips by the path of `analyze`: what each modality and the fused make of them."
    )
    yield _table_of_clips(clips, windows)
    for whole, title in ((True, "Clips"), (False, "Windows")):
        found = outcomes(clips, windows, whole)
        speakers = len(set(found["fused"].groups)) if "fused" in found else 0
        size = len(next(iter(found.values())).labels) if found else 0
        yield Heading(f"{title}: {size} of {speakers} speakers")
        yield Table(
            ("", *FIGURES.values(), "shows something in"),
            tuple(
                (NAMES[name], *_figures(outcome, draws), _present(windows, name))
                for name, outcome in found.items()
            ),
        )
        yield Bullets(tuple(_against(found, figure, draws) for figure in ("accuracy", "nll")))
    yield Paragraph(
        f"In brackets the 95 % interval of {draws} draws of whole speakers. Speakers are few: read the "
        "intervals, not the figures. ECE of few clips is large for any model."
    )


def _named(folder: Path) -> Iterator[LabelledClip]:
    for path in files_below(folder, MEDIA):
        emotion = _emotion_in(path.stem)
        if emotion:
            yield LabelledClip(path, INDEX[emotion], path.stem.split("_")[0], _transcript(path))


def _emotion_in(stem: str) -> str | None:
    """Return the only emotion that the name holds; raises InputError for two."""
    fields = RAVDESS_NAME.fullmatch(stem)
    if fields:
        return RAVDESS[fields[1]]
    found = {WORDS[word] for word in re.split(r"[^a-z]+", stem.lower()) if word in WORDS}
    if len(found) > 1:
        raise InputError(
            f"the name {stem} holds the emotions {' and '.join(sorted(found))}: list it in a table"
        )
    return found.pop() if found else None


def _listed(folder: Path, table: Path) -> Iterator[LabelledClip]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {table} as a table") from error
    for number, row in enumerate(rows, 2):
        name, emotion = row.get("path"), WORDS.get((row.get("emotion") or "").strip().lower())
        path = folder / (name or "")
        if not name or emotion is None or not path.is_file():
            fault = "its path names no file" if emotion else "its emotion is none of the seven"
            raise InputError(
                f"{table}, line {number}: {fault}; the columns are path, emotion and, if known, speaker"
            )
        yield LabelledClip(path, INDEX[emotion], row.get("speaker") or path.stem, _transcript(path))


def _transcript(path: Path) -> Path | None:
    return next((path.with_suffix(s) for s in TRANSCRIPTS if path.with_suffix(s).is_file()), None)


def _by_window(windows: Sequence[FusedEmotion], name: str) -> tuple[Floats, Floats]:
    """Return distributions (windows, 7), uniform where there is none, and how much each counts (windows,)."""
    p = np.full((len(windows), N_EMOTIONS), 1.0 / N_EMOTIONS)
    weights = np.zeros(len(windows))
    for w, window in enumerate(windows):
        if name == "fused":
            given, weight = window.p, 1.0
        else:
            state = next((s for s in window.modalities if s.modality == name), None)
            given, weight = (state.p, state.quality) if state else (None, 0.0)
        if given is not None:
            p[w], weights[w] = given, max(weight, 1e-6)
    return p, weights


def _mean(p: Floats, weights: Floats) -> Floats:
    mean: Floats = weights @ p / weights.sum() if weights.any() else p[0]
    return mean


def _figures(outcome: Outcome, draws: int) -> Iterator[str]:
    found = intervals(outcome, draws)
    for name in FIGURES:
        yield f"{found[name].value:.3f} [{found[name].low:.3f}, {found[name].high:.3f}]"


def _present(windows: Mapping[int, Sequence[FusedEmotion]], name: str) -> str:
    there = np.concatenate([_by_window(each, name)[1] > 0.0 for each in windows.values()])
    return f"{there.mean():.0%} of windows"


def _against(found: Mapping[str, Outcome], figure: str, draws: int) -> str:
    """Return the sentence on the fused emotion against the best single modality by ``figure``."""
    sign = -1.0 if figure == "nll" else 1.0
    singles = {m: found[m] for m in MODALITIES if m in found}
    values = {m: intervals(outcome, 20)[figure].value for m, outcome in singles.items()}
    best: Modality = max(values, key=lambda m: sign * values[m])
    d = next(d for d in paired(singles[best], found["fused"], draws) if d.figure == figure)
    verdict = "worse" if sign * (d.second - d.first) < 0 else "not worse"
    return (
        f"{FIGURES[figure]}: fused {d.second:.3f}, {verdict} than the best single modality, {NAMES[best]}: "
        f"{d.second - d.first:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
    )


def _table_of_clips(clips: Sequence[LabelledClip], windows: Mapping[int, Sequence[FusedEmotion]]) -> Table:
    rows = []
    for i in sorted(windows):
        cells = []
        for name in NAMES:
            p, weights = _by_window(windows[i], name)
            mean = _mean(p, weights)
            cells.append(f"{EMOTIONS[mean.argmax()]} {mean.max():.2f}" if weights.any() else "-")
        rows.append((clips[i].path.stem, EMOTIONS[clips[i].label], str(len(windows[i])), *cells))
    return Table(("clip", "emotion", "windows", *NAMES.values()), tuple(rows))
