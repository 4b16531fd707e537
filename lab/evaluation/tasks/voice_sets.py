"""Clips and windows of speech as labelled sets, for shipped weights and folds alike."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np
from rich.progress import Progress

from affectstream.lab.datasets.ravdess import Clip, load
from affectstream.lab.evaluation import targets
from affectstream.lab.evaluation.degrade import BABBLE, SPEECH, VOICES, Speech, behind, by_telephone, clean
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import About, Outcome, Point, Target
from affectstream.lab.evaluation.windows import (
    Samples,
    Spans,
    Windows,
    clip_spans,
    per_clip,
    stream_spans,
    windows,
)
from affectstream.lab.statistics import Floats, Labels, scaled

LABELS = "the acted emotion; calm counted as neutral"
WANTED = {"clip": 0.72, "clip, telephone": 0.70}  # UAR


class Cut(NamedTuple):
    """How clips are cut into windows, and over which line they come."""

    title: str
    spans: Spans
    line: Speech


SETS = {
    "clip": Cut("whole clips", clip_spans, clean),
    "clip, telephone": Cut("whole clips by telephone", clip_spans, by_telephone),
    "stream": Cut("as the stream cuts them", stream_spans, clean),
    "stream, telephone": Cut("as the stream cuts them, by telephone", stream_spans, by_telephone),
}

Predict = Callable[[Samples, Labels], Floats]  # windows and the rows of their clips to logits


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
class WindowLogits:
    """Logits of windows and the clips that they come from."""

    logits: Floats  # (windows, 7)
    rows: Labels  # (windows,)


@dataclass(frozen=True)
class Temperatures:
    """What the logits of each clip are divided by, as a whole and window by window."""

    clip: Floats  # (n,)
    window: Floats  # (n,)


def measured(clips: Sequence[Clip], predict: Predict, bar: Progress) -> dict[str, WindowLogits]:
    """Return the logits of the windows of every set."""
    found = {}
    for name, (_, starts, line) in SETS.items():
        made = windows(bar.track(clips, description=name), starts, repeat(line))
        found[name] = WindowLogits(predict(made.inputs, made.clip), made.clip)
    return found


def outcomes(sets: dict[str, WindowLogits], cast: Cast, by: Temperatures, split: str) -> tuple[Outcome, ...]:
    """Return each set by the clip and by the window; those of WANTED are judged by."""
    whole, each = [], []
    for name, (title, *_) in SETS.items():
        given = sets[name]
        there = np.unique(given.rows)
        logits = per_clip(given.logits, given.rows, len(cast.labels))[there]
        if name in WANTED:
            about = About(f"RAVDESS, {title}", "RAVDESS", split, LABELS, "actors")
            whole.append(_outcome(about, logits, there, by.clip, cast))
        about = About(f"RAVDESS, {title}, each window", "RAVDESS", split, LABELS, "actors", False, False)
        each.append(_outcome(about, given.logits, given.rows, by.window, cast))
    return (*whole, *each)


def points(clips: Sequence[Clip], predict: Predict, by: Temperatures, bar: Progress) -> Iterator[Point]:
    """Yield the figures per clip by condition."""
    cast = Cast.of(clips)

    def point(condition: str, severity: float, unit: str, made: Windows) -> Point:
        logits = per_clip(predict(made.inputs, made.clip), made.clip, len(clips))
        figures = summary(scaled(logits, by.clip[:, None]), cast.labels)
        return Point(condition, severity, unit, figures, len(clips))

    for condition, severity, unit, speech in conditions(clips):
        tracked = bar.track(clips, description=f"{condition} {severity:g}")
        yield point(condition, severity, unit, windows(tracked, clip_spans, speech))


def conditions(clips: Sequence[Clip]) -> Iterator[tuple[str, float, str, Iterable[Speech]]]:
    """Yield every condition, its severity and unit, and what it does to each of ``clips``; clean first."""
    yield "clean", 0, "", repeat(clean)
    for condition, unit, made, severities in SPEECH:
        for severity in severities:
            yield condition, severity, unit, repeat(made(severity))
    condition, unit, severities = BABBLE
    for severity in severities:
        speech = (behind(other_voices(clips, row), severity) for row in range(len(clips)))
        yield condition, severity, unit, speech


def other_voices(clips: Sequence[Clip], row: int) -> list[Samples]:
    """Return VOICES clips by as many actors other than that of clip ``row``; fewer where there are fewer."""
    by_actor: dict[int, list[Clip]] = {}
    for clip in clips:
        if clip.actor != clips[row].actor:
            by_actor.setdefault(clip.actor, []).append(clip)
    rng = np.random.default_rng(row)
    actors = rng.permutation(list(by_actor))[:VOICES]
    return [load(by_actor[actor][int(rng.integers(len(by_actor[actor])))].path)[0] for actor in actors]


def lines(found: Sequence[Outcome], draws: int) -> Iterator[Target]:
    """Yield the targets: UAR and calibration."""
    for outcome, wanted in zip(found, WANTED.values(), strict=False):
        title = "UAR by telephone" if "telephone" in outcome.about.name else "UAR"
        yield targets.at_least(title, outcome, "uar", wanted, draws)
    yield targets.calibrated(found[0])
    yield targets.calibrated(found[len(WANTED)], "ECE, each window")


def _outcome(about: About, logits: Floats, rows: Labels, temperature: Floats, cast: Cast) -> Outcome:
    actors, sexes = cast.actors[rows], cast.sexes()
    return Outcome(
        about,
        cast.labels[rows],
        tuple(f"{actor:02d}" for actor in actors),
        scaled(logits),
        scaled(logits, temperature[rows, None]),
        {"sex": tuple(sexes[row] for row in rows), "actor": tuple(f"{actor:02d}" for actor in actors)},
    )
