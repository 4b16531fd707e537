"""Recorded out-of-fold probabilities of the voice, clean and degraded.

The shipped network learnt from all twenty actors. So each window is given to the network of the same recipe
that never heard its actor, and the temperature is the shipped card's. Embeddings of different networks have
nothing in common: those of a fold are mapped into the space of the shipped network by ridge regression,
fitted on windows of the fold's training clips, which both networks learnt from, and applied to its held-out
clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from affectstream.lab.datasets import ravdess
from affectstream.lab.evaluation.degrade import SPEECH, Speech, clean
from affectstream.lab.evaluation.tasks.voice_folds import fold_networks
from affectstream.lab.evaluation.windows import cut, stream_spans
from affectstream.lab.fusion.logs.items import CLEAN, ProbabilityLog
from affectstream.lab.splits import Fold
from affectstream.models.voice import features
from affectstream.models.voice.model import VoiceModel
from affectstream.models.voice.network import VoiceEnsemble
from affectstream.models.voice.quality import is_silent, quality
from affectstream.models.weights import read_card
from affectstream.schemas.errors import ModelError

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

BATCH = 64
RIDGE = 0.1  # times the mean variance of a feature
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

    inputs: Singles  # (windows, 1, 64, 126)
    present: npt.NDArray[np.bool_]  # (windows,) False where the gate calls it silent
    quality: Floats  # (windows,)
    clip: Indices  # (windows,) row of the clip


def log(folder: Path, run: Path, model: VoiceModel) -> ProbabilityLog:
    """Return the out-of-fold log of the recordings in ``folder``, by the networks kept in ``run``.

    ``model`` is the shipped one, loaded. Raises InputError for other data, ModelError where a network lacks.
    """
    clips = ravdess.read(folder)
    card = read_card("voice")
    nets = fold_networks(run)
    if not nets:
        raise ModelError(f"{run} does not hold the five fold networks: affectstream train voice --run {run}")
    heard = [windows(clips.clips, heard) for heard in CONDITIONS.values()]
    said = _out_of_fold(nets, ravdess.folds_of(clips.clips), heard, model)
    clip = heard[0].clip
    number = np.arange(len(clip)) - np.searchsorted(clip, clip)
    return ProbabilityLog(
        "audio",
        "RAVDESS actors 1 to 20",
        f"Voice: networks of the recipe of {card.model_id} on {len(clip)} two-second windows of "
        f"{len(clips.clips)} RAVDESS clips, each by the fold network that never heard its actor, calm "
        "counted as neutral; embeddings of a fold are mapped into the shipped network's space by ridge "
        "regression on the fold's training clips.",
        tuple(CONDITIONS),
        softmax(np.stack([logits for logits, _ in said]) / card.temperature, axis=2),
        np.stack([w.present for w in heard]),
        np.stack([w.quality for w in heard]),
        np.array([clips.clips[i].label for i in clip]),
        np.array([f"actor {clips.clips[i].actor:02d}" for i in clip]),
        np.array([f"{clips.clips[i].path.stem} {k}" for i, k in zip(clip, number, strict=True)]),
        np.stack([embeddings for _, embeddings in said]),
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


def ridge(x: Floats, y: Floats, strength: float = RIDGE) -> tuple[Floats, Floats]:
    """Return the matrix (d, e) and the offset (e,) that map rows of ``x`` (n, d) nearest to ``y`` (n, e)."""
    middle, aim = x.mean(axis=0), y.mean(axis=0)
    centred = x - middle
    square = centred.T @ centred
    square[np.diag_indices_from(square)] += strength * max(float(np.trace(square)) / len(square), 1e-12)
    matrix: Floats = cho_solve(cho_factor(square), centred.T @ (y - aim))
    return matrix, aim - middle @ matrix


def _out_of_fold(
    nets: Sequence[VoiceEnsemble], split: Sequence[Fold], heard: Sequence[Windows], model: VoiceModel
) -> list[tuple[Floats, Singles]]:
    """Return per condition the logits (windows, 7) and the embeddings (windows, d) by the right network."""
    shipped = model.predict(list(heard[0].inputs)).embeddings
    assert shipped is not None
    n, size = shipped.shape
    made = [(np.zeros((n, 7)), np.zeros((n, size), np.float32)) for _ in heard]
    for net, fold in zip(nets, split, strict=True):
        inside = np.isin(heard[0].clip, fold.test)
        known = _answers(net, heard[0].inputs[~inside])[1]
        matrix, offset = ridge(known.astype(np.float64), shipped[~inside].astype(np.float64))
        for (logits, embeddings), part in zip(made, heard, strict=True):
            logits[inside], own = _answers(net, part.inputs[inside])
            embeddings[inside] = own @ matrix + offset
    return made


def _answers(net: VoiceEnsemble, inputs: Singles) -> tuple[Floats, Singles]:
    with torch.inference_mode():
        parts = [net.with_embeddings(x) for x in torch.split(torch.from_numpy(inputs), BATCH)]
    logits, embeddings = (torch.cat(part) for part in zip(*parts, strict=True))
    return logits.double().numpy(), embeddings.float().numpy()
