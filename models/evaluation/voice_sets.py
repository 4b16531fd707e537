"""Clips and windows of speech as labelled sets, for shipped weights and folds alike; imports no torch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import Progress
from scipy.special import softmax

from models.datasets.ravdess import Clip, load
from models.evaluation import aims
from models.evaluation.degrade import SPEECH, Speech
from models.evaluation.figures import summary
from models.evaluation.outcome import About, Aim, Floats, Labels, Outcome, Point
from models.voice import features
from models.voice.evaluation import Samples, clip_starts, cut, per_clip

LABELS = "the acted emotion; calm counted as neutral"
ASKED = {"clip": 0.67, "clip, telephone": 0.50}  # UAR
TITLES = {
    "clip": "whole clips",
    "clip, telephone": "whole clips by telephone",
    "stream": "as the stream cuts them",
    "stream, telephone": "as the stream cuts them, by telephone",
}


@dataclass(frozen=True)
class Cast:
    """What is known of each clip."""

    labels: Labels  # (n,)
    actors: Labels  # (n,)

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> "Cast":
        """Return the cast of ``clips``."""
        return cls(np.array([c.label for c in clips]), np.array([c.actor for c in clips]))

    def sexes(self) -> list[str]:
        """Return the sex of each clip's actor: RAVDESS numbers men odd and women even."""
        return ["male" if actor % 2 else "female" for actor in self.actors]


@dataclass(frozen=True)
class Heard:
    """Logits of windows and the clips that they come from."""

    logits: Floats  # (windows, 7)
    rows: Labels  # (windows,)


@dataclass(frozen=True)
class Temperatures:
    """What the logits of each clip are divided by, as a whole and window by window."""

    clip: Floats  # (n,)
    window: Floats  # (n,)


def outcomes(sets: dict[str, Heard], cast: Cast, by: Temperatures, split: str) -> tuple[Outcome, ...]:
    """Return each set of TITLES by the clip and by the window; the first two are judged by."""
    whole, each = [], []
    for name, title in TITLES.items():
        heard = sets[name]
        there = np.unique(heard.rows)
        logits = per_clip(heard.logits, heard.rows, len(cast.labels))[there]
        if name in ASKED:
            about = About(f"RAVDESS, {title}", "RAVDESS", split, LABELS, "actors")
            whole.append(_outcome(about, logits, there, by.clip, cast))
        about = About(f"RAVDESS, {title}, each window", "RAVDESS", split, LABELS, "actors", False, False)
        each.append(_outcome(about, heard.logits, heard.rows, by.window, cast))
    return (*whole, *each)


def points(
    clips: Sequence[Clip], logits: Callable[[Samples, Labels], Floats], by: Temperatures, bar: Progress
) -> Iterator[Point]:
    """Yield the figures per clip by condition; ``logits`` takes windows and the rows of their clips."""
    cast = Cast.of(clips)

    def figures(title: str, condition: Speech) -> dict[str, float]:
        inputs, rows = worse(clips, condition, title, bar)
        found = per_clip(logits(inputs, rows), rows, len(clips))
        return summary(softmax(found / by.clip[:, None], axis=1), cast.labels)

    yield Point("clean", 0, "", figures("clean", lambda x, hz: (x, hz)))
    for condition, unit, made, severities in SPEECH:
        for severity in severities:
            yield Point(condition, severity, unit, figures(f"{condition} {severity:g}", made(severity)))


def worse(clips: Sequence[Clip], condition: Speech, title: str, bar: Progress) -> tuple[Samples, Labels]:
    """Return prepared windows (m, 1, 64, 126) of ``clips`` under ``condition`` and the rows of their clips.

    The windows lie where the clean clip has its speech.
    """
    inputs, rows = [], []
    for row, clip in enumerate(bar.track(clips, description=title)):
        samples, rate_hz = load(clip.path)
        sound, sound_hz = condition(samples, rate_hz)
        for start in clip_starts(samples, rate_hz):
            inputs.append(features.features(cut(sound, sound_hz, start), sound_hz))
            rows.append(row)
    return np.stack(inputs), np.array(rows, dtype=np.int64)


def lines(found: Sequence[Outcome], draws: int) -> Iterator[Aim]:
    """Yield the lines of the table of aims: UAR and calibration."""
    for outcome, asked in zip(found, ASKED.values(), strict=False):
        title = "UAR by telephone" if "telephone" in outcome.about.name else "UAR"
        yield aims.at_least(title, outcome, "uar", asked, draws)
    yield aims.calibrated(found[0])
    yield aims.calibrated(found[len(ASKED)], "ECE, each window")


def _outcome(about: About, logits: Floats, rows: Labels, temperature: Floats, cast: Cast) -> Outcome:
    actors, sexes = cast.actors[rows], cast.sexes()
    return Outcome(
        about,
        cast.labels[rows],
        tuple(f"{actor:02d}" for actor in actors),
        np.asarray(softmax(logits, axis=1)),
        np.asarray(softmax(logits / temperature[rows, None], axis=1)),
        {"sex": tuple(sexes[row] for row in rows), "actor": tuple(f"{actor:02d}" for actor in actors)},
    )
