"""Clips and windows of speech as labelled sets, for shipped weights and folds alike."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from rich.progress import Progress
from scipy.special import softmax

from affectstream.lab.datasets.ravdess import Clip, load
from affectstream.lab.evaluation import aims
from affectstream.lab.evaluation.degrade import BABBLE, SPEECH, VOICES, Speech, behind
from affectstream.lab.evaluation.degrade import Samples as Sound
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.outcome import About, Aim, Outcome, Point
from affectstream.lab.statistics import Floats, Labels
from affectstream.lab.voice.evaluation import Samples, clip_starts, cut, per_clip
from affectstream.models.voice import features

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

    def point(condition: str, severity: float, unit: str, conditions: Iterable[Speech]) -> Point:
        inputs, rows = worse(clips, conditions, f"{condition} {severity:g}", bar)
        found = per_clip(logits(inputs, rows), rows, len(clips))
        figures = summary(softmax(found / by.clip[:, None], axis=1), cast.labels)
        return Point(condition, severity, unit, figures, len(clips))

    yield point("clean", 0, "", repeat(lambda x, hz: (x, hz)))
    for condition, unit, made, severities in SPEECH:
        for severity in severities:
            yield point(condition, severity, unit, repeat(made(severity)))
    condition, unit, severities = BABBLE
    for severity in severities:
        speech = (behind(other_voices(clips, row), severity) for row in range(len(clips)))
        yield point(condition, severity, unit, speech)


def other_voices(clips: Sequence[Clip], row: int) -> list[Sound]:
    """Return VOICES clips by as many actors other than that of clip ``row``; fewer where there are fewer."""
    by_actor: dict[int, list[Clip]] = {}
    for clip in clips:
        if clip.actor != clips[row].actor:
            by_actor.setdefault(clip.actor, []).append(clip)
    rng = np.random.default_rng(row)
    actors = rng.permutation(list(by_actor))[:VOICES]
    return [load(by_actor[actor][int(rng.integers(len(by_actor[actor])))].path)[0] for actor in actors]


def worse(
    clips: Sequence[Clip], conditions: Iterable[Speech], title: str, bar: Progress
) -> tuple[Samples, Labels]:
    """Return prepared windows (m, 1, 64, 126) of ``clips``, each in its condition, and the clips' rows.

    The windows lie where the clean clip has its speech.
    """
    inputs, rows = [], []
    tracked = bar.track(clips, description=title)
    for row, (clip, condition) in enumerate(zip(tracked, conditions, strict=False)):
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
