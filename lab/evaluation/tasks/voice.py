"""Evaluation of voice weights on actors that they never heard, or else of the folds.

The shipped weights learnt from every actor at hand. On those only the fold networks can be judged.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import safetensors.numpy

from affectstream.lab.datasets import ravdess
from affectstream.lab.evaluation import aims, voice_folds, voice_sets
from affectstream.lab.evaluation.given import Given, predicted
from affectstream.lab.evaluation.outcome import Aim, Evaluation
from affectstream.lab.evaluation.voice_sets import Cast, Heard, Temperatures
from affectstream.lab.statistics import Floats, Labels, log
from affectstream.lab.voice import evaluation
from affectstream.lab.voice.evaluation import Samples
from affectstream.models.voice import features
from affectstream.models.voice.model import VoiceModel
from affectstream.models.weights import Card, checked_file, read_card
from affectstream.schemas.errors import InputError

TRAINED = range(1, 21)  # for a card that lists none: the actors of the corpus at hand
ROWS = 32
ROBUST_SHARE = 1 / 3
MOST_PARAMETERS = 2_000_000
MOST_MS = 15


def evaluate(given: Given) -> Evaluation:
    """Return the evaluation of the voice weights; raises InputError where ``--data`` holds no clips."""
    card = read_card("voice", given.weights)
    corpus = _corpus(given)
    clips = corpus.clips
    trained = set(card.config.get("actors", TRAINED))
    unseen = [clip for clip in clips if clip.actor not in trained]
    where = f"The time was measured on {aims.machine()}."
    costs = _costs(given)
    if not unseen:
        return voice_folds.evaluate(given, card, clips, costs, where)
    notes = [
        where,
        *_left_out(corpus),
        f"Only actors that the weights were not trained on: {_list(c.actor for c in unseen)}.",
    ]
    if len(unseen) < len(clips):
        notes.append(f"{len(clips) - len(unseen)} clips of actors that they were trained on are left out.")
    return _shipped(given, card, unseen[given.some(len(unseen))], costs, notes)


def _shipped(
    given: Given, card: Card, clips: Sequence[ravdess.Clip], costs: Sequence[Aim], notes: Sequence[str]
) -> Evaluation:
    model = VoiceModel(rows=ROWS, folder=given.weights)
    model.load(given.device)

    def logits(inputs: Samples, rows: Labels, title: str = "") -> Floats:
        found = predicted(model.predict, list(inputs), title or "windows", given.progress)
        return card.temperature * log(found)

    sets = {}
    for name in voice_sets.TITLES:
        cut = evaluation.windows(clips, name)
        sets[name] = Heard(logits(cut.inputs, cut.clip, name), cut.clip)
    split = f"actors {_list(c.actor for c in clips)}, not trained on"
    outcomes = voice_sets.outcomes(sets, Cast.of(clips), _constant(card, len(clips)), split)
    part = clips[given.some(len(clips), ROBUST_SHARE)]
    points = tuple(voice_sets.points(part, logits, _constant(card, len(part)), given.progress))
    lines = (*voice_sets.lines(outcomes, given.draws), *costs)
    return Evaluation("voice", card, outcomes, points, "uar", lines, tuple(notes), given.command)


def _left_out(corpus: ravdess.Corpus) -> tuple[str, ...]:
    n = len(corpus.skipped)
    return (f"{n} files that are no whole clip of speech are left out.",) if n else ()


def _corpus(given: Given) -> ravdess.Corpus:
    """Return the clips of the folder given; of the default folder none where it is missing."""
    folders = given.folders("ravdess")
    there = next((f for f in folders if any(f.glob("Actor_*"))), None)
    if there is not None:
        return ravdess.read(there)
    if given.data is None:
        return ravdess.Corpus((), ())
    raise InputError(f"no RAVDESS audio in {given.data}: {ravdess.LAYOUT}")


def _costs(given: Given) -> tuple[Aim, ...]:
    path, _ = checked_file("voice", given.weights)
    numbers = sum(tensor.size for tensor in safetensors.numpy.load_file(path).values())
    model = VoiceModel(folder=given.weights)
    model.load(given.device)
    sound = np.random.default_rng(0).normal(0, 0.1, features.WINDOW_SAMPLES).astype(np.float32)
    took = aims.timed(lambda: model.predict([features.features(sound, features.RATE_HZ)]))
    return (
        aims.fewer("numbers in the weights", numbers, MOST_PARAMETERS, "parameters"),
        aims.faster("2 s chunk at batch 1, features included", took, MOST_MS),
    )


def _constant(card: Card, n: int) -> Temperatures:
    return Temperatures(np.full(n, card.temperature), np.full(n, card.temperature))


def _list(actors: Iterable[int]) -> str:
    return ", ".join(str(actor) for actor in sorted(set(actors)))
