"""The shipped voice network: windows drawn from RAVDESS clips, five folds by actor and one of all actors."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from affectstream.lab.datasets import folder, ravdess
from affectstream.lab.evaluation.degrade import clean
from affectstream.lab.evaluation.windows import clip_spans, per_clip, windows
from affectstream.lab.statistics import Floats
from affectstream.lab.training.augment.windows import Prepared, Variations, prepare
from affectstream.lab.training.corpus import Corpus, Indices, Part
from affectstream.lab.training.memory import AT_ONCE, one_hot
from affectstream.lab.training.recipe import Recipe, VoiceRecipe
from affectstream.lab.training.task import Batch
from affectstream.lab.training.tasks.clips import corpus_of
from affectstream.models.voice.network import VoiceNet
from affectstream.schemas.labels import N_EMOTIONS

ALL = "all"  # the part whose network is shipped: it learns from every actor, nothing is left to test it


@dataclass(frozen=True)
class Clips:
    """Recorded clips, prepared at every speed, clean and through the telephone."""

    clips: tuple[ravdess.Clip, ...]
    labels: Indices  # (n,)
    prepared: Prepared

    def task(self, part: Part, labels: Indices, recipe: Recipe) -> "WindowTask":
        """Return the task of learning the clips of ``part``."""
        assert isinstance(recipe, VoiceRecipe)
        return WindowTask(self, part, recipe)

    def logits(self, network: nn.Module, rows: Indices, recipe: Recipe) -> Floats:
        """Return the mean logits (rows, 7) of the windows over the spoken part of each clip."""
        if not len(rows):
            return np.zeros((0, N_EMOTIONS))
        made = windows([self.clips[i] for i in rows], clip_spans, repeat(clean))
        network.eval()
        with torch.inference_mode():
            parts = [network(x.to(recipe.device)).cpu() for x in torch.split(_tensor(made.inputs), AT_ONCE)]
        return per_clip(torch.cat(parts).double().numpy(), made.clip, len(rows))

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the clips to learn from."""
        return one_hot(self.labels[part.learn])


class WindowTask:
    """Training on one varied window of each clip and epoch, some batches mixed (Zhang et al., ICLR 2018)."""

    def __init__(self, clips: Clips, part: Part, recipe: VoiceRecipe) -> None:
        """Draw everything, batches included, from one generator of the recipe's seed."""
        self._clips, self._part, self._recipe = clips, part, recipe
        self._rng = np.random.default_rng(recipe.seed)
        self._variations = Variations(clips.prepared, recipe, self._rng)
        self.held_labels = clips.labels[part.held]

    def steps(self, epoch: int) -> int:
        """Return the number of whole batches."""
        return len(self._part.learn) // self._recipe.batch

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``."""
        size, steps = self._recipe.batch, self.steps(epoch)
        for rows in np.split(self._rng.permutation(self._part.learn)[: steps * size], steps):
            x = self._variations.batch(rows)
            targets = functional.one_hot(_tensor(self._clips.labels[rows]), N_EMOTIONS).float()
            yield self._mixed(x, targets)

    def _mixed(self, x: Tensor, targets: Tensor) -> Batch:
        if self._rng.random() < self._recipe.mixup:
            share = float(self._rng.beta(self._recipe.mixup_alpha, self._recipe.mixup_alpha))
            other = _tensor(self._rng.permutation(len(x)))
            x = share * x + (1 - share) * x[other]
            targets = share * targets + (1 - share) * targets[other]
        return Batch((x.contiguous(memory_format=torch.channels_last),), targets)

    def held_logits(self, network: nn.Module, epoch: int) -> Floats:
        """Return the logits of the held-out clips: of none, for the recipe is trained to its end."""
        return self._clips.logits(network, self._part.held, self._recipe)

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return all parameters."""
        return network.parameters()

    def random_state(self) -> dict[str, Any]:
        """Return the state of both generators."""
        numbers = json.dumps(self._rng.bit_generator.state)
        return {"rng": numbers, "noise_rng": self._variations.noise_rng.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        self._rng.bit_generator.state = json.loads(state["rng"])
        self._variations.noise_rng.set_state(state["noise_rng"])


def spoken(data: Path, recipe: Recipe, cache: Path) -> tuple[Corpus, Clips]:
    """Return RAVDESS in five folds without held-out actors, and in one part of all of them."""
    read = ravdess.read(folder.of_corpus("ravdess", data, "Actor_*"))
    corpus = corpus_of(read, recipe, held_out=False)
    nothing = np.zeros(0, dtype=np.int64)
    whole = [] if recipe.folds else [Part(ALL, np.arange(len(corpus.labels)), nothing, nothing)]
    clips = Clips(read.clips, corpus.labels, prepare(read.clips, cache / "voice-windows.npz"))
    return replace(corpus, parts=(*corpus.parts, *whole)), clips


def network(recipe: Recipe) -> nn.Module:
    """Return the voice network with random weights."""
    assert isinstance(recipe, VoiceRecipe)
    return VoiceNet(recipe.width, recipe.dropout)


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(array)
