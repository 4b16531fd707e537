"""Learning from windows of speech: labelled ones drawn evenly, calls and other sounds beside them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from affectstream.lab.evaluation.windows import per_clip
from affectstream.lab.statistics import Floats
from affectstream.lab.training.corpus import Indices, Part
from affectstream.lab.training.memory import one_hot
from affectstream.lab.training.recipe import Recipe, VoiceRecipe
from affectstream.lab.training.speech import Windows
from affectstream.lab.training.task import Batch
from affectstream.models.voice.network import Domain
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


@dataclass(frozen=True)
class Clips:
    """The clips of all corpora, one after the other, and statistics of their windows."""

    labels: Indices  # (n,)
    corpus: Indices  # (n,), in the order of affectstream.lab.training.speech.CORPORA
    allowed: Tensor  # (corpora, 7), True where the corpus has the class
    windows: Windows  # of all copies; ``clip`` is a row of the above
    clean: Indices  # (windows of the clean copy,), rows of ``windows``
    calls: Tensor  # (windows, size) without labels
    sounds: Tensor  # (windows, size), no speech
    domain: Domain

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
        mine = self.clean[np.isin(self.windows.clip[self.clean], rows)]
        network.eval()
        with torch.inference_mode():
            found = network(torch.from_numpy(self.windows.stats[mine]).float()).double().numpy()
        mean = per_clip(found, np.searchsorted(rows, self.windows.clip[mine]), len(rows))
        return np.asarray(np.where(self.allowed.numpy()[self.corpus[rows]], mean, mean.min() - 10))

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the clips to learn from."""
        return one_hot(self.labels[part.learn])


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
        self._rows = np.flatnonzero(np.isin(clips.windows.clip, part.learn))
        self._chances = torch.from_numpy(self._drawn())
        self.held_labels = clips.labels[part.held]

    def _drawn(self) -> Floats:
        """Return how often each window is drawn."""
        clips, recipe = self._clips, self._recipe
        clip = clips.windows.clip[self._rows]
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
            clip = self._clips.windows.clip[rows]
            x = torch.from_numpy(self._clips.windows.stats[rows]).float()
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
        return share * x + (1 - share) * x[other], mixed, allowed | allowed[other]

    def _with_unlabelled(self, x: Tensor, targets: Tensor, allowed: Tensor) -> Batch:
        recipe, members = self._recipe, self._recipe.members
        calls = self._some(self._clips.calls, CALL_ROWS if recipe.calls else 0)
        sounds = self._some(self._clips.sounds, SOUND_ROWS if recipe.sounds else 0)
        offset = torch.zeros(len(x) + len(calls) + len(sounds), N_EMOTIONS)
        offset[: len(x)][~allowed] = NEVER
        leant = torch.zeros(N_EMOTIONS)
        leant[INDEX["neutral"]] = recipe.calls_offset

        def penalty(logits: Tensor) -> Tensor:
            n = len(calls) * members
            logits = torch.cat([logits[:n] + leant, logits[n:]])
            log_p = logits.log_softmax(dim=1)
            of_calls, of_sounds = log_p[:n], log_p[n:]
            total = logits.new_zeros(())
            if len(of_calls):
                mean = of_calls.exp().view(-1, members, N_EMOTIONS).mean(dim=0)  # (members, 7)
                prior = torch.tensor(CALL_PRIOR)
                total = total + recipe.calls * (prior * (prior.log() - mean.log())).sum(dim=1).mean()
            if len(of_sounds):
                total = total - recipe.sounds * of_sounds.mean()
            return total

        inputs = (torch.cat([x, calls, sounds]), offset)
        return Batch(inputs, targets.repeat_interleave(members, dim=0), penalty)

    def _some(self, rows: Tensor, n: int) -> Tensor:
        wanted = min(n, len(rows))
        return rows[torch.randint(max(len(rows), 1), (wanted,), generator=self._rng)].float()

    def held_logits(self, network: nn.Module, epoch: int) -> Floats:
        """Return the logits of the held-out clips: of none, for the recipe is trained to its end."""
        return np.zeros((0, N_EMOTIONS))

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return all parameters."""
        return network.parameters()

    def random_state(self) -> dict[str, Any]:
        """Return the state of the generator."""
        return {"rng": self._rng.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        self._rng.set_state(state["rng"])
