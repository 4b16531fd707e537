"""Recorded probabilities of the voice on a corpus that it never heard, clean and degraded.

The shipped heads learnt from all corpora, and a caller is in none of them. So windows of RAVDESS are given to
the network of a run that learnt from the other corpora alone, where the run has one; else each to the one of
its folds that never heard the actor, which knows the corpus and is right more often than any is on a call.
The temperature is that of the run where it was evaluated, else the shipped card's. The embeddings are the
encoder's statistics.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax

from affectstream.lab.datasets import ravdess
from affectstream.lab.evaluation.degrade import SPEECH, Speech, clean
from affectstream.lab.evaluation.tasks.voice_folds import fold_networks, whole_network
from affectstream.lab.evaluation.windows import cut, stream_spans
from affectstream.lab.fusion.logs.items import CLEAN, ProbabilityLog
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, read_recipe
from affectstream.lab.training.ship_voice import temperature_in
from affectstream.lab.training.speech import HOME
from affectstream.lab.training.tasks.voice import WITHOUT
from affectstream.models.voice import features
from affectstream.models.voice.network import VoiceNet, embedding_size
from affectstream.models.voice.quality import is_silent, quality
from affectstream.models.weights import read_card
from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import N_EMOTIONS

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

BATCH = 64
WORSE = (("telephone", 8.0), ("white noise", 10.0), ("white noise", 0.0), ("packet loss", 0.2))
CONDITIONS: dict[str, Speech] = {
    CLEAN: clean,
    **{
        f"{name} {severity:g} ({unit})": make(severity)
        for name, unit, make, _ in SPEECH
        for wanted, severity in WORSE
        if wanted == name
    },
}


@dataclass(frozen=True)
class Windows:
    """Two-second windows as the stream cuts them, with the product's gate and quality."""

    inputs: Singles  # (windows, 80, 200)
    present: npt.NDArray[np.bool_]  # (windows,) False where the gate calls it silent
    quality: Floats  # (windows,)
    clip: Indices  # (windows,) row of the clip


@dataclass(frozen=True)
class Unheard:
    """Networks that know no more of the clips than they must."""

    networks: Sequence[tuple[VoiceNet, Indices]]  # with the clips that each answers for
    statement: str


@dataclass(frozen=True)
class _Answers:
    p: Floats  # (windows, 7)
    unknown: Floats  # (windows,) share that is no known speech
    embeddings: Singles  # (windows, d)


def log(folder: Path, run: Path) -> ProbabilityLog:
    """Return the log of the recordings in ``folder``, by the networks kept in ``run``.

    Raises InputError for other data, ModelError where a network lacks.
    """
    clips = ravdess.read(folder)
    card = read_card("voice")
    unheard = networks(run, clips.clips)
    heard = [windows(clips.clips, heard) for heard in CONDITIONS.values()]
    answers = _answers(unheard, heard, temperature_in(run))
    clip = heard[0].clip
    number = np.arange(len(clip)) - np.searchsorted(clip, clip)
    return ProbabilityLog(
        "audio",
        "RAVDESS actors 1 to 20",
        f"Voice: {unheard.statement} beside {card.model_id}, on {len(clip)} two-second windows of "
        f"{len(clips.clips)} RAVDESS clips, calm as neutral, at the balanced prior; "
        "embeddings are the encoder's statistics.",
        tuple(CONDITIONS),
        np.stack([found.p for found in answers]),
        np.stack([w.present for w in heard]),
        np.stack([w.quality * (1 - a.unknown) for w, a in zip(heard, answers, strict=True)]),
        np.array([clips.clips[i].label for i in clip]),
        np.array([f"actor {clips.clips[i].actor:02d}" for i in clip]),
        np.array([f"{clips.clips[i].path.stem} {k}" for i, k in zip(clip, number, strict=True)]),
        np.stack([found.embeddings for found in answers]),
    )


def windows(clips: Sequence[ravdess.Clip], heard: Speech) -> Windows:
    """Return the windows that are not silent on a good line, as they are ``heard``."""
    inputs, present, grades, rows = [], [], [], []
    for row, clip in enumerate(clips):
        samples, rate_hz = ravdess.load(clip.path)
        sound, sound_hz = heard(samples, rate_hz)
        for span in stream_spans(samples, rate_hz):
            part = cut(sound, sound_hz, span)
            inputs.append(features.features(part, sound_hz))
            present.append(not is_silent(part, sound_hz))
            grades.append(quality(part, sound_hz))
            rows.append(row)
    return Windows(np.stack(inputs), np.array(present), np.array(grades), np.array(rows, dtype=np.int64))


def networks(run: Path, clips: Sequence[ravdess.Clip]) -> Unheard:
    """Return the network of ``run`` that never heard the corpus, else those by fold; raises ModelError."""
    path, recipe = run / f"{WITHOUT}{HOME}" / WEIGHTS, run / RECIPE
    if path.exists() and recipe.exists() and isinstance(made := read_recipe(recipe), VoiceRecipe):
        everything = np.arange(len(clips))
        return Unheard([(whole_network(path, made), everything)], "a network that never heard RAVDESS")
    nets = fold_networks(run)
    if not nets:
        raise ModelError(
            f"{run} does not hold networks that never heard RAVDESS or the actors of a fold: "
            "affectstream train voice makes them"
        )
    folds = (fold.test for fold in ravdess.folds_of(clips))
    return Unheard(list(zip(nets, folds, strict=True)), "networks by fold that never heard the actor")


def _answers(unheard: Unheard, heard: Sequence[Windows], temperature: float) -> list[_Answers]:
    """Return what the product would have of the windows under each condition, by the right network.

    The prior is the balanced one, as it is in the stream beside a picture.
    """
    made = []
    for part in heard:
        n = len(part.inputs)
        answers = _Answers(
            np.zeros((n, N_EMOTIONS)), np.zeros(n), np.zeros((n, embedding_size()), np.float32)
        )
        for net, rows in unheard.networks:
            inside = np.isin(part.clip, rows)
            logits, answers.embeddings[inside], unknown = _evidence(net, part.inputs[inside])
            share = answers.unknown[inside] = unknown.astype(np.float64)
            known = softmax(logits.astype(np.float64) / temperature, axis=1) * (1 - share[:, None])
            answers.p[inside] = known + share[:, None] / N_EMOTIONS
        made.append(answers)
    return made


def _evidence(net: VoiceNet, inputs: Singles) -> tuple[Singles, Singles, Singles]:
    with torch.inference_mode():
        parts = [net.with_evidence(x) for x in torch.split(torch.from_numpy(inputs), BATCH)]
    logits, embeddings, unknown = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    return logits, embeddings, unknown
