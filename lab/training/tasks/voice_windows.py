"""Learning from windows of speech: labelled ones drawn evenly, calls and other sounds beside them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from affectstream.lab.evaluation.windows import per_clip
from affectstream.lab.statistics import Floats
from affectstream.lab.training.augment.spectra import varied
from affectstream.lab.training.corpus import Indices, Part
from affectstream.lab.training.memory import one_hot
from affectstream.lab.training.recipe import Recipe, VoiceRecipe
from affectstream.lab.training.speech import Windows
from affectstream.lab.training.task import Batch
from affectstream.models.voice.network import VoiceNet, fitted_domain
from affectstream.schemas.labels import INDEX, N_EMOTIONS

CALL_PRIOR = (
    0.80,
    0.05,
    0.04,
    0.05,
    0.02,
    0.02,
    0.02,
)  # of a routine call, in the order of EMOTIONS: a belief
NEVER = -1e4  # added to the logit of a class that the corpus does not have
CALL_ROWS, SOUND_ROWS = 128, 32  # of a batch
DOMAIN_ROWS = 15_000
AT_ONCE = 256  # windows of an evaluation


@dataclass(frozen=True)
class Learnt:
    """What training draws from: all copies of every corpus, and what has no label."""

    windows: Windows  # of all copies; ``clip`` is a row of Clips
    calls: Tensor  # (windows, 80, 200) without labels
    sounds: Tensor  # (windows, 80, 200), no speech
    _moved: dict[str, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)

    def on(self, device: str) -> tuple[Tensor, Tensor, Tensor]:
        """Return labelled windows, calls and sounds on ``device``, where all parts of a run share them."""
        if device not in self._moved:
            rows = torch.from_numpy(self.windows.inputs), self.calls, self.sounds
            self._moved[device] = (rows[0].to(device), rows[1].to(device), rows[2].to(device))
        return self._moved[device]


@dataclass(frozen=True)
class Clips:
    """The clips of all corpora, one after the other, and their windows."""

    labels: Indices  # (n,)
    corpus: Indices  # (n,), in the order of affectstream.lab.training.speech.CORPORA
    allowed: Tensor  # (corpora, 7), True where the corpus has the class
    clean: Windows  # ``clip`` is a row of the above
    make: Callable[[], Learnt]  # takes minutes, and is asked for when something is trained
    cache: Path  # of what is fetched or made once

    @cached_property
    def learnt(self) -> Learnt:
        """Return what training draws from."""
        return self.make()

    def task(self, part: Part, labels: Indices, recipe: Recipe) -> "WindowTask":
        """Return the task of learning the clips of ``part``."""
        assert isinstance(recipe, VoiceRecipe)
        return WindowTask(self, part, recipe)

    def logits(self, network: nn.Module, rows: Indices, recipe: Recipe) -> Floats:
        """Return the mean logits (rows, 7) of the clean windows of each clip, as the stream cuts them.

        A class that its corpus does not have is out of the question.
        """
        if not len(rows):
            return np.zeros((0, N_EMOTIONS))
        mine = np.flatnonzero(np.isin(self.clean.clip, rows))
        network.eval().to(recipe.device)
        found = [np.zeros((0, N_EMOTIONS))]
        with torch.inference_mode():
            for start in range(0, len(mine), AT_ONCE):
                x = torch.from_numpy(self.clean.inputs[mine[start : start + AT_ONCE]]).to(recipe.device)
                found.append(network(x.float()).double().cpu().numpy())
        mean = per_clip(np.concatenate(found), np.searchsorted(rows, self.clean.clip[mine]), len(rows))
        return np.asarray(np.where(self.allowed.numpy()[self.corpus[rows]], mean, mean.min() - 10))

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the clips to learn from."""
        return one_hot(self.labels[part.learn])

    def finish(self, network: nn.Module, part: Part, recipe: Recipe) -> None:
        """Fit the domain of a trained ``network`` to the windows of ``part`` and to the calls."""
        assert isinstance(network, VoiceNet)
        mine = np.flatnonzero(np.isin(self.learnt.windows.clip, part.learn))
        rng = np.random.default_rng(recipe.seed)
        chosen = np.sort(rng.permutation(mine)[:DOMAIN_ROWS])
        network.eval().to(recipe.device)
        rows = torch.cat([torch.from_numpy(self.learnt.windows.inputs[chosen]), self.learnt.calls])
        with torch.inference_mode():
            found = [
                network.statistics(x.to(recipe.device).float()).cpu() for x in torch.split(rows, AT_ONCE)
            ]
        fitted = fitted_domain(torch.cat(found).float())
        network.heads.domain.load_state_dict(fitted.state_dict())


class WindowTask:
    """Training on windows drawn evenly over the classes of a corpus, with calls and sounds beside them.

    Some batches are mixed (Zhang et al., ICLR 2018). Over the windows of calls the mean answer is drawn to
    the prior of calls (expectation regularisation: Mann & McCallum, ICML 2007); each may differ from it. The
    recipe's offset is added to them first: what it does is not learnt.
    """

    def __init__(self, clips: Clips, part: Part, recipe: VoiceRecipe) -> None:
        """Draw everything from one generator of the recipe's seed."""
        self._clips, self._recipe = clips, recipe
        self._rng = torch.Generator().manual_seed(recipe.seed)
        self._device = torch.device(recipe.device)
        self._there = torch.Generator(self._device).manual_seed(recipe.seed)
        self._rows = np.flatnonzero(np.isin(clips.learnt.windows.clip, part.learn))
        self._chances = torch.from_numpy(self._drawn())
        self._inputs, self._calls, self._sounds = clips.learnt.on(recipe.device)
        self.held_labels = clips.labels[part.held]

    def _drawn(self) -> Floats:
        """Return how often each window is drawn."""
        clips, recipe = self._clips, self._recipe
        clip = clips.learnt.windows.clip[self._rows]
        corpus = clips.corpus[clip]
        cell = corpus * N_EMOTIONS + clips.labels[clip]
        size, of_cell = np.bincount(corpus), np.bincount(cell)
        classes = np.bincount(np.flatnonzero(of_cell) // N_EMOTIONS, minlength=len(size))
        share = size**recipe.corpus_power * np.where(np.arange(len(size)) == 0, recipe.home, 1.0)
        chances = (share / np.maximum(classes, 1))[corpus] / of_cell[cell]
        return np.asarray(chances / chances.sum())

    def steps(self, epoch: int) -> int:
        """Return the recipe's number of batches."""
        return self._recipe.steps

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``."""
        for _ in range(self.steps(epoch)):
            drawn = torch.multinomial(self._chances, self._recipe.batch, True, generator=self._rng)
            rows = self._rows[drawn.numpy()]
            clip = self._clips.learnt.windows.clip[rows]
            x = self._inputs[torch.from_numpy(rows).to(self._device)].float()
            allowed = self._clips.allowed[torch.from_numpy(self._clips.corpus[clip])]
            hot = functional.one_hot(torch.from_numpy(self._clips.labels[clip]), N_EMOTIONS).float()
            spread = allowed.float() / allowed.sum(dim=1, keepdim=True)
            targets = (1 - self._recipe.uncertain) * hot + self._recipe.uncertain * spread
            yield self._with_unlabelled(*self._mixed(x, targets, allowed))

    def _mixed(self, x: Tensor, targets: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        numbers = np.random.default_rng(int(torch.randint(2**31, (), generator=self._rng)))
        if numbers.random() >= self._recipe.mixup:
            return x, targets, allowed
        share = float(numbers.beta(self._recipe.mixup_alpha, self._recipe.mixup_alpha))
        other = torch.from_numpy(numbers.permutation(len(x)))
        mixed = share * targets + (1 - share) * targets[other]
        return share * x + (1 - share) * x[other.to(x.device)], mixed, allowed | allowed[other]

    def _with_unlabelled(self, x: Tensor, targets: Tensor, allowed: Tensor) -> Batch:
        recipe, members = self._recipe, self._recipe.members
        calls = self._some(self._calls, CALL_ROWS if recipe.calls else 0)
        sounds = self._some(self._sounds, SOUND_ROWS if recipe.sounds else 0)
        offset = torch.zeros(len(x) + len(calls) + len(sounds), N_EMOTIONS)
        offset[: len(x)][~allowed] = NEVER
        leant = torch.zeros(N_EMOTIONS)
        leant[INDEX["neutral"]] = recipe.calls_offset

        def penalty(logits: Tensor) -> Tensor:
            n = len(calls) * members
            logits = torch.cat([logits[:n] + leant.to(logits.device), logits[n:]])
            log_p = logits.log_softmax(dim=1)
            of_calls, of_sounds = log_p[:n], log_p[n:]
            total = logits.new_zeros(())
            if len(of_calls):
                mean = of_calls.exp().view(-1, members, N_EMOTIONS).mean(dim=0)  # (members, 7)
                prior = logits.new_tensor(CALL_PRIOR)
                total = total + recipe.calls * (prior * (prior.log() - mean.log())).sum(dim=1).mean()
            if len(of_sounds):
                total = total - recipe.sounds * of_sounds.mean()
            return total

        rows = torch.cat([x, calls, sounds])
        inputs = (varied(rows, self._there) if recipe.augment else rows, offset)
        return Batch(inputs, targets.repeat_interleave(members, dim=0), penalty)

    def _some(self, rows: Tensor, n: int) -> Tensor:
        wanted = min(n, len(rows))
        drawn = torch.randint(max(len(rows), 1), (wanted,), generator=self._rng)
        return rows[drawn.to(rows.device)].float()

    def held_logits(self, network: nn.Module, epoch: int) -> Floats:
        """Return the logits of the held-out clips: of none, for the recipe is trained to its end."""
        return np.zeros((0, N_EMOTIONS))

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return the parameters of the heads, and those of the encoder, which change more slowly."""
        assert isinstance(network, VoiceNet)
        heads = {"params": list(network.heads.parameters())}
        if not self._recipe.encoder_scale:
            network.encoder.requires_grad_(False)
            return [heads]
        return [
            heads,
            {"params": list(network.encoder.parameters()), "scale": self._recipe.encoder_scale},
        ]

    def random_state(self) -> dict[str, Any]:
        """Return the state of the generators."""
        return {"rng": self._rng.get_state(), "there": self._there.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        self._rng.set_state(state["rng"])
        self._there.set_state(state["there"])
