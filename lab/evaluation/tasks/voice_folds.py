"""Evaluation of the voice folds, each network on the actors that it was not trained on."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from affectstream.lab.datasets.catalogue import entry
from affectstream.lab.datasets.ravdess import FOLDS, Clip, folds_of
from affectstream.lab.evaluation import targets
from affectstream.lab.evaluation.known_speaker import with_known
from affectstream.lab.evaluation.outcome import SUFFIX, About, Evaluation, Outcome, Point, Target, of_run
from affectstream.lab.evaluation.run import EvaluationRequest
from affectstream.lab.evaluation.tasks import voice_sets
from affectstream.lab.evaluation.tasks.voice_sets import Cast, Temperatures, WindowLogits
from affectstream.lab.evaluation.windows import Samples, per_clip
from affectstream.lab.splits import Fold
from affectstream.lab.statistics import Floats, Labels, fit_temperature, uar
from affectstream.lab.training.files import WEIGHTS, weights
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, read_recipe
from affectstream.models.batching import product_type
from affectstream.models.voice.network import VoiceNet
from affectstream.models.weights import Card
from affectstream.schemas.errors import InputError

Arrays = dict[str, npt.NDArray[Any]]

OUT_OF_FOLD = "out-of-fold.npz"
ROBUST_SHARE = 1 / 3
BATCH = 64
HOME = "ravdess"
SPLIT = "five folds by actor, each network on actors that it was not trained on"
WHY = (
    "The shipped weights were trained on every actor found here, so their own figures on these recordings "
    "would be those of the training set. What is shown is out of fold: five networks of the same recipe, "
    "each on the four actors that it was not trained on, the temperature of each fold fitted on the other "
    "folds. For a figure of the shipped weights themselves, give --data with actors that their card does not "
    "list (RAVDESS 21 to 24)."
)
NEVER_HEARD = "{}, never heard"
WANTED = {  # UAR, with nothing known of a speaker
    NEVER_HEARD.format(entry(name).title): uar
    for name, uar in (("tess", 0.72), ("nemo", 0.50), ("turev", 0.50))
}
REMAKE = "affectstream train voice --run {}"


def evaluate(
    request: EvaluationRequest, card: Card, clips: Sequence[Clip], costs: Sequence[Target], timing: str
) -> Evaluation:
    """Return the evaluation of the folds kept in the run, or of the card's figures where there is no run."""
    networks = fold_networks(request.run)
    path = request.run / OUT_OF_FOLD
    if not path.exists():
        if not (networks and clips):
            lacking = (
                "networks of the folds" if clips else "out-of-fold logits, and no recordings are at hand"
            )
            note = f"{request.run} holds no {lacking}; to make them: {REMAKE.format(request.run)}."
            return _from_card(request, card, costs, (WHY, timing, note))
        np.savez(path, allow_pickle=False, **_measured(clips, networks, request))
    arrays = kept(path)
    cast = Cast(arrays["label"].astype(np.int64), arrays["actor"].astype(np.int64))
    sets = {n: WindowLogits(arrays[f"{n}, windows"], arrays[f"{n}, rows"]) for n in voice_sets.SETS}
    by = temperatures(arrays)
    others = tuple(with_known(never_heard(request.run)))
    outcomes = (*voice_sets.outcomes(sets, cast, by, SPLIT), *others)
    notes = (WHY, timing, *_other_run(arrays, card, request.run))
    same = np.array_equal(Cast.of(clips).labels, cast.labels)
    points = _points(request, networks, clips, arrays["fold"], by) if same and networks else ()
    lines = (*voice_sets.lines(outcomes, request.draws), *_travelled(others, request.draws), *costs)
    return Evaluation("voice", card, outcomes, points, "uar", lines, notes, request.command)


def never_heard(run: Path) -> tuple[Outcome, ...]:
    """Return the corpora that networks of ``run`` were trained without, each by its own."""
    if not any(run.glob(f"*{SUFFIX}")):
        return ()
    whole = of_run(run)[0]
    corpus = np.array(whole.parts.get("corpus", ("",) * len(whole.labels)))
    return tuple(
        _only(whole, np.flatnonzero(corpus == name), str(name))
        for name in dict.fromkeys(corpus.tolist())
        if name not in ("", HOME)
    )


def _travelled(outcomes: Sequence[Outcome], draws: int) -> Iterator[Target]:
    """Yield the UAR on corpora left out whole; nothing is asked where other clips of a speaker are known."""
    for outcome in outcomes:
        name = outcome.about.name
        yield targets.at_least(f"UAR, {name}", outcome, "uar", WANTED.get(name), draws)


def _only(whole: Outcome, rows: Labels, name: str) -> Outcome:
    title = entry(name).title
    split = "none of this corpus in training; the mean of a clip's windows as the stream cuts them"
    about = About(NEVER_HEARD.format(title), title, split, whole.about.labels, "speakers", False, False)
    parts = {"speaker": tuple(whole.groups[i] for i in rows)}
    groups = tuple(whole.groups[i] for i in rows)
    return Outcome(about, whole.labels[rows], groups, whole.before[rows], whole.after[rows], parts)


def _measured(clips: Sequence[Clip], networks: Sequence[VoiceNet], request: EvaluationRequest) -> Arrays:
    """Return the logits of every clip and window by the network of the fold that the clip is not in."""
    cast = Cast.of(clips)
    fold = fold_of(folds_of(clips), len(clips))
    arrays: Arrays = {"label": cast.labels, "actor": cast.actors, "fold": fold}
    for name, found in voice_sets.measured(clips, by_fold(networks, fold), request.progress).items():
        arrays[name] = per_clip(found.logits, found.rows, len(clips))
        arrays |= {f"{name}, windows": found.logits, f"{name}, rows": found.rows}
    return arrays


def fold_of(folds: Sequence[Fold], n: int) -> Labels:
    """Return in which fold each of ``n`` rows is tested."""
    fold = np.zeros(n, dtype=np.int64)
    for k, part in enumerate(folds):
        fold[part.test] = k
    return fold


def by_fold(networks: Sequence[torch.nn.Module], fold: npt.NDArray[Any]) -> voice_sets.Predict:
    """Return what gives windows the logits of the network of the ``fold`` (clips,) that their clip is in."""

    def predict(inputs: Samples, rows: Labels) -> Floats:
        found = np.zeros((len(inputs), 7))
        for k, network in enumerate(networks):
            mine = np.flatnonzero(fold[rows] == k)
            if len(mine):
                found[mine] = _logits(network, inputs[mine])
        return found

    return predict


def kept(path: Path) -> Arrays:
    """Return the out-of-fold logits in ``path``; raises InputError where it is broken."""
    needed = {"label", "actor", "fold", *voice_sets.SETS}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is broken; to make it again, delete it") from error
    if needed - arrays.keys():
        raise InputError(
            f"{path} lacks {', '.join(sorted(needed - arrays.keys()))}; to make it again, delete it"
        )
    return arrays


def temperatures(arrays: Arrays) -> Temperatures:
    """Return for each clip the temperatures fitted on the folds that it is not in."""
    labels, fold = arrays["label"].astype(np.int64), arrays["fold"]
    clip, window = np.ones(len(labels)), np.ones(len(labels))
    windows = np.concatenate([arrays[f"{name}, windows"] for name in ("clip", "stream")]).astype(np.float64)
    rows = np.concatenate([arrays[f"{name}, rows"] for name in ("clip", "stream")]).astype(np.int64)
    whole = arrays["clip"].astype(np.float64)
    for k in np.unique(fold):
        mine, others = fold == k, fold[rows] != k
        clip[mine] = fit_temperature(whole[~mine], labels[~mine])
        window[mine] = fit_temperature(windows[others], labels[rows][others])
    return Temperatures(clip, window)


def fold_networks(run: Path) -> list[VoiceNet]:
    """Return the network of each fold that ``run`` trained; none where one is missing."""
    paths = [run / f"fold-{k}" / WEIGHTS for k in range(FOLDS)]
    if not (run / RECIPE).exists() or not all(path.exists() for path in paths):
        return []
    recipe = read_recipe(run / RECIPE)
    if not isinstance(recipe, VoiceRecipe):
        raise InputError(f"{run} is a run of {recipe.network}, not of the shipped voice network")
    return [whole_network(path, recipe) for path in paths]


def whole_network(path: Path, recipe: VoiceRecipe) -> VoiceNet:
    """Return the network of a part of a run in the file ``path``; raises InputError where it is missing."""
    made = VoiceNet(recipe.members, recipe.hidden)
    made.load_state_dict(weights(path))
    made.encoder.to(product_type("cpu"))
    return made.eval()


def _points(
    request: EvaluationRequest,
    networks: Sequence[VoiceNet],
    clips: Sequence[Clip],
    fold: npt.NDArray[Any],
    by: Temperatures,
) -> tuple[Point, ...]:
    chosen = request.some(len(clips), ROBUST_SHARE)
    part = Temperatures(by.clip[chosen], by.window[chosen])
    predict = by_fold(networks, fold[chosen])
    return tuple(voice_sets.points(clips[chosen], predict, part, request.progress))


def _logits(network: torch.nn.Module, inputs: Samples) -> Floats:
    with torch.inference_mode():
        parts = [network(part) for part in torch.split(torch.from_numpy(inputs), BATCH)]
    return np.asarray(torch.cat(parts).double().numpy())


def _other_run(arrays: Arrays, card: Card, run: Path) -> tuple[str, ...]:
    found = uar(arrays["label"].astype(np.int64), arrays["clip"].argmax(axis=1))
    stated = card.figures.get("clip: uar")
    if stated is not None and abs(found - stated) < 1e-4:
        return ()
    return (f"{run} is not the run of the shipped card: UAR {found:.4f} there, {stated} on the card.",)


def _from_card(
    request: EvaluationRequest, card: Card, costs: Sequence[Target], notes: tuple[str, ...]
) -> Evaluation:
    stated = (
        ("UAR", "clip: uar", 0.72, False),
        ("UAR by telephone", "clip, telephone: uar", 0.70, False),
        ("ECE", "clip: ece", targets.MOST_ECE, True),
        ("ECE, each window", "clip, each window: ece", targets.MOST_ECE, True),
    )
    lines = [
        targets.from_card(title, card.figures[key], bound, at_most)
        for title, key, bound, at_most in stated
        if key in card.figures
    ]
    return Evaluation("voice", card, (), (), "uar", (*lines, *costs), notes, request.command)
