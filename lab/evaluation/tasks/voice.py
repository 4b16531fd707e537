"""Evaluation of voice weights on actors that they were not trained on, or else of the folds.

The shipped weights learnt from every actor at hand. On those only the fold networks can be judged.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from affectstream.lab.datasets import ravdess
from affectstream.lab.evaluation import targets
from affectstream.lab.evaluation.degrade import clean
from affectstream.lab.evaluation.labelled import evaluate as on_corpus
from affectstream.lab.evaluation.outcome import Evaluation, Target
from affectstream.lab.evaluation.run import EvaluationRequest, predicted
from affectstream.lab.evaluation.tasks import voice_folds, voice_sets, voice_unknown
from affectstream.lab.evaluation.tasks.voice_sets import Cast, Temperatures
from affectstream.lab.evaluation.windows import Samples, per_clip, stream_spans, windows
from affectstream.lab.statistics import Floats, Labels, log
from affectstream.models.voice import features
from affectstream.models.voice.model import VoiceModel
from affectstream.models.weights import Card, checked_file, read_card
from affectstream.schemas.errors import InputError

TRAINED = range(1, 21)  # for a card that lists none: the actors of the corpus at hand
ROWS = 32
ROBUST_SHARE = 1 / 3
MOST_PARAMETERS = 6_000_000
MOST_MS = 12
SOUNDS, QUICK_SOUNDS = 60, 4  # of each kind
CHUNKS = 60  # that are timed


def evaluate(request: EvaluationRequest) -> Evaluation:
    """Return the evaluation of the voice weights; raises InputError where ``--data`` holds no clips."""
    card = read_card("voice", request.weights)
    corpus = _corpus(request)
    clips = corpus.clips
    trained = set(card.config.get("actors", TRAINED))
    unseen = [clip for clip in clips if clip.actor not in trained]
    found = list(voice_unknown.answered(_loaded(request), QUICK_SOUNDS if request.quick else SOUNDS))
    where = f"The time was measured on {targets.machine()}. {voice_unknown.note(found)}"
    costs = (*_costs(request), voice_unknown.line(found))
    if not unseen:
        return voice_folds.evaluate(request, card, clips, costs, where)
    notes = [
        where,
        *_left_out(corpus),
        f"Only actors that the weights were not trained on: {_list(c.actor for c in unseen)}.",
    ]
    if len(unseen) < len(clips):
        notes.append(f"{len(clips) - len(unseen)} clips of actors that they were trained on are left out.")
    return _shipped(request, card, unseen[request.some(len(unseen))], costs, notes)


def labelled(request: EvaluationRequest) -> Evaluation:
    """Return the evaluation on another corpus or on a folder by class; raises InputError."""
    if request.corpus == "ravdess":
        return evaluate(replace(request, data=request.folder or request.data))
    model = _loaded(request)

    def heard(items: Sequence[Any]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        tracked = request.progress.track(items, description="sounds")
        made = windows(tracked, stream_spans, repeat(clean))
        p = predicted(model.predict, list(made.inputs), "windows", request.progress)
        return per_clip(p, made.clip, len(items)), np.isin(np.arange(len(items)), made.clip)

    return on_corpus("voice", request, heard)


def _shipped(
    request: EvaluationRequest,
    card: Card,
    clips: Sequence[ravdess.Clip],
    costs: Sequence[Target],
    notes: Sequence[str],
) -> Evaluation:
    model = _loaded(request)

    def logits(inputs: Samples, rows: Labels) -> Floats:
        found = predicted(model.predict, list(inputs), "windows", request.progress)
        return card.temperature * log(found)

    sets = voice_sets.measured(clips, logits, request.progress)
    split = f"actors {_list(c.actor for c in clips)}, not trained on"
    outcomes = voice_sets.outcomes(sets, Cast.of(clips), _constant(card, len(clips)), split)
    part = clips[request.some(len(clips), ROBUST_SHARE)]
    points = tuple(voice_sets.points(part, logits, _constant(card, len(part)), request.progress))
    lines = (*voice_sets.lines(outcomes, request.draws), *costs)
    return Evaluation("voice", card, outcomes, points, "uar", lines, tuple(notes), request.command)


def _loaded(request: EvaluationRequest) -> VoiceModel:
    model = VoiceModel(rows=ROWS, folder=request.weights, prior="balanced")  # acted classes are about even
    model.load(request.device)
    return model


def _left_out(corpus: ravdess.Clips) -> tuple[str, ...]:
    n = len(corpus.skipped)
    return (f"{n} files that are no whole clip of speech are left out.",) if n else ()


def _corpus(request: EvaluationRequest) -> ravdess.Clips:
    """Return the clips of the folder given; of the default folder none where it is missing."""
    folders = request.folders("ravdess")
    there = next((f for f in folders if any(f.glob("Actor_*"))), None)
    if there is not None:
        return ravdess.read(there)
    if request.data is None:
        return ravdess.Clips((), ())
    raise InputError(f"no RAVDESS audio in {request.data}: {ravdess.LAYOUT}")


def _costs(request: EvaluationRequest) -> tuple[Target, ...]:
    path, _ = checked_file("voice", request.weights)
    numbers = sum(tensor.size for tensor in safetensors.numpy.load_file(path).values())
    model = VoiceModel(folder=request.weights)
    model.load(request.device)
    sound = np.random.default_rng(0).normal(0, 0.1, features.WINDOW_SAMPLES).astype(np.float32)

    def chunk() -> None:
        model.predict([features.features(sound, features.RATE_HZ)])

    took = targets.timed(chunk, CHUNKS, time.process_time)
    return (
        targets.fewer("numbers in the weights", numbers, MOST_PARAMETERS, "parameters"),
        targets.faster("processor time of a 2 s chunk at batch 1, features included", took, MOST_MS),
    )


def _constant(card: Card, n: int) -> Temperatures:
    return Temperatures(np.full(n, card.temperature), np.full(n, card.temperature))


def _list(actors: Iterable[int]) -> str:
    return ", ".join(str(actor) for actor in sorted(set(actors)))
