"""Recorded out-of-fold probabilities of the voice, clean and degraded.

The shipped heads learnt from all twenty actors. So each window is given to the network of a run that never
heard its actor, at the temperature of that run where it was evaluated, else at the shipped card's. The
embeddings are its encoder's statistics.
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
from affectstream.lab.evaluation.tasks.voice_folds import fold_networks
from affectstream.lab.evaluation.windows import cut, stream_spans
from affectstream.lab.fusion.logs.items import CLEAN, ProbabilityLog
from affectstream.lab.splits import Fold
from affectstream.lab.training.ship_voice import temperature_in
from affectstream.models.voice import features
from affectstream.models.voice.network import VoiceNet, embedding_size
from affectstream.models.voice.quality import is_silent, quality
from affectstream.models.weights import Card, read_card
from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import INDEX, N_EMOTIONS

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
class _Answers:
    p: Floats  # (windows, 7)
    unknown: Floats  # (windows,) share that is no known speech
    embeddings: Singles  # (windows, d)


def log(folder: Path, run: Path) -> ProbabilityLog:
    """Return the out-of-fold log of the recordings in ``folder``, by the networks kept in ``run``.

    Raises InputError for other data, ModelError where a network lacks.
    """
    clips = ravdess.read(folder)
    card = read_card("voice")
    nets = fold_networks(run)
    if not nets:
        raise ModelError(f"{run} does not hold the five fold networks: affectstream train voice --run {run}")
    heard = [windows(clips.clips, heard) for heard in CONDITIONS.values()]
    answers = _out_of_fold(nets, ravdess.folds_of(clips.clips), heard, card, temperature_in(run))
    clip = heard[0].clip
    number = np.arange(len(clip)) - np.searchsorted(clip, clip)
    return ProbabilityLog(
        "audio",
        "RAVDESS actors 1 to 20",
        f"Voice: networks by fold beside {card.model_id}, on {len(clip)} two-second windows of "
        f"{len(clips.clips)} RAVDESS clips, each by the one that never heard its actor, calm "
        "counted as neutral; embeddings are the encoder's statistics.",
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


def _out_of_fold(
    nets: Sequence[VoiceNet], split: Sequence[Fold], heard: Sequence[Windows], card: Card, temperature: float
) -> list[_Answers]:
    """Return what the product would have of the windows under each condition, by the right network.

    The prior is that of calls, as it is in the stream.
    """
    made = []
    offset = np.eye(N_EMOTIONS)[INDEX["neutral"]] * float(card.config.get("calls_offset", 0.0))
    for part in heard:
        n = len(part.inputs)
        answers = _Answers(
            np.zeros((n, N_EMOTIONS)), np.zeros(n), np.zeros((n, embedding_size()), np.float32)
        )
        for net, fold in zip(nets, split, strict=True):
            inside = np.isin(part.clip, fold.test)
            logits, answers.embeddings[inside], unknown = _evidence(net, part.inputs[inside])
            share = answers.unknown[inside] = unknown.astype(np.float64)
            known = softmax((logits.astype(np.float64) + offset) / temperature, axis=1) * (1 - share[:, None])
            answers.p[inside] = known + share[:, None] / N_EMOTIONS
        made.append(answers)
    return made


def _evidence(net: VoiceNet, inputs: Singles) -> tuple[Singles, Singles, Singles]:
    with torch.inference_mode():
        parts = [net.with_evidence(x) for x in torch.split(torch.from_numpy(inputs), BATCH)]
    logits, embeddings, unknown = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    return logits, embeddings, unknown
