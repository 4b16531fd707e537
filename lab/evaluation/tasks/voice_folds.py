"""Evaluation of the voice folds, each network on the actors that it never heard."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch

from affectstream.lab.datasets.ravdess import Clip
from affectstream.lab.evaluation import aims, voice_sets
from affectstream.lab.evaluation.given import Given
from affectstream.lab.evaluation.outcome import Aim, Evaluation, Point
from affectstream.lab.evaluation.voice_sets import Cast, Heard, Temperatures
from affectstream.lab.statistics import Floats, Labels, fit_temperature, uar
from affectstream.lab.voice.evaluation import Samples
from affectstream.lab.voice.train import fold_file
from affectstream.lab.voice.training import Config
from affectstream.models.voice.network import VoiceEnsemble
from affectstream.models.weights import Card
from affectstream.schemas.errors import InputError

OUT_OF_FOLD = "out-of-fold.npz"
ROBUST_SHARE = 1 / 3
BATCH = 64
SPLIT = "five folds by actor, each network on actors that it never heard"
WHY = (
    "The shipped weights were trained on every actor found here, so their own figures on these recordings "
    "would be those of the training set. What is shown is out of fold: five networks of the same recipe, "
    "each on the four actors that it never heard, the temperature of each fold fitted on the other folds. "
    "For a figure of the shipped weights themselves, give --data with actors that their card does not list "
    "(RAVDESS 21 to 24)."
)
REMAKE = "python -m affectstream.lab.voice.train folds, then python -m affectstream.lab.voice.evaluate folds"


def evaluate(
    given: Given, card: Card, clips: Sequence[Clip], costs: Sequence[Aim], timing: str
) -> Evaluation:
    """Return the evaluation of the folds kept in the run, or of the card's figures where there is no run."""
    path = given.run / OUT_OF_FOLD
    if not path.exists():
        note = f"{path} is not there; to make it: {REMAKE}."
        return _from_card(given, card, costs, (WHY, timing, note))
    arrays = _kept(path)
    cast = Cast(arrays["label"].astype(np.int64), arrays["actor"].astype(np.int64))
    sets = {name: Heard(arrays[f"{name}, windows"], arrays[f"{name}, rows"]) for name in voice_sets.TITLES}
    by = temperatures(arrays)
    outcomes = voice_sets.outcomes(sets, cast, by, SPLIT)
    notes = (WHY, timing, *_other_run(arrays, card, given.run))
    same = np.array_equal(Cast.of(clips).labels, cast.labels)
    points = _points(given, card, clips, arrays["fold"], by) if same else ()
    lines = (*voice_sets.lines(outcomes, given.draws), *costs)
    return Evaluation("voice", card, outcomes, points, "uar", lines, notes, given.command)


def _kept(path: Path) -> dict[str, npt.NDArray[Any]]:
    needed = {"label", "actor", "fold", *voice_sets.TITLES}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is broken; to make it again: {REMAKE}") from error
    if needed - arrays.keys():
        raise InputError(f"{path} lacks {', '.join(sorted(needed - arrays.keys()))}; to make it: {REMAKE}")
    return arrays


def temperatures(arrays: dict[str, npt.NDArray[np.generic]]) -> Temperatures:
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


def fold_networks(run: Path, folds: int, seeds: Sequence[int]) -> list[VoiceEnsemble]:
    """Return the network of each fold, the mean of its seeds; none where one is missing."""
    paths = [[fold_file(run, k, seed) for seed in seeds] for k in range(folds)]
    if not all(path.exists() for fold in paths for path in fold):
        return []
    networks = []
    for fold in paths:
        network = VoiceEnsemble(len(seeds), Config().width)
        for member, path in zip(network.members, fold, strict=True):
            member.load_state_dict(safetensors.torch.load_file(path))
        networks.append(network.eval())
    return networks


def _points(
    given: Given, card: Card, clips: Sequence[Clip], fold: npt.NDArray[np.generic], by: Temperatures
) -> tuple[Point, ...]:
    """Return the robustness of the fold networks, where they and the recordings are there."""
    seeds = [int(training["seed"]) for training in card.config.get("training", ({"seed": 0},))]
    networks = fold_networks(given.run, len(np.unique(fold)), seeds)
    if not networks:
        return ()
    chosen = given.some(len(clips), ROBUST_SHARE)
    numbers = fold[chosen]

    def logits(inputs: Samples, rows: Labels) -> Floats:
        found = np.zeros((len(inputs), 7))
        for k, network in enumerate(networks):
            mine = np.flatnonzero(numbers[rows] == k)
            if len(mine):
                found[mine] = _logits(network, inputs[mine])
        return found

    part = Temperatures(by.clip[chosen], by.window[chosen])
    return tuple(voice_sets.points(clips[chosen], logits, part, given.progress))


def _logits(network: VoiceEnsemble, inputs: Samples) -> Floats:
    with torch.inference_mode():
        parts = [network(part) for part in torch.split(torch.from_numpy(inputs), BATCH)]
    return np.asarray(torch.cat(parts).double().numpy())


def _other_run(arrays: dict[str, npt.NDArray[np.generic]], card: Card, run: Path) -> tuple[str, ...]:
    found = uar(arrays["label"].astype(np.int64), arrays["clip"].argmax(axis=1))
    stated = card.figures.get("clip: uar")
    if stated is not None and abs(found - stated) < 1e-4:
        return ()
    return (f"{run} is not the run of the shipped card: UAR {found:.4f} there, {stated} on the card.",)


def _from_card(given: Given, card: Card, costs: Sequence[Aim], notes: tuple[str, ...]) -> Evaluation:
    stated = (
        ("UAR", "clip: uar", 0.67, False),
        ("UAR by telephone", "clip, telephone: uar", 0.5, False),
        ("ECE", "clip: ece", aims.MOST_ECE, True),
        ("ECE, each window", "clip, each window: ece", aims.MOST_ECE, True),
    )
    lines = [
        aims.from_card(title, card.figures[key], bound, at_most)
        for title, key, bound, at_most in stated
        if key in card.figures
    ]
    return Evaluation("voice", card, (), (), "uar", (*lines, *costs), notes, given.command)
