"""Learning from windows of speech: labelled ones drawn evenly, calls and other sounds beside them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from affectstream.lab.evaluation.windows import per_clip
from affectstream.lab.statistics import Floats
from affectstream.lab.training.blocks import Singles
from affectstream.lab.training.corpus import Indices, Part
from affectstream.lab.training.memory import one_hot
from affectstream.lab.training.recipe import Recipe, VoiceRecipe
from affectstream.lab.training.task import Batch
from affectstream.models.voice.encoder import SpeechEncoder
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
PARTIES, PARTY_ROWS, SOUND_ROWS = 8, 16, 32  # of a batch
DOMAIN_ROWS = 15_000


@dataclass(frozen=True)
class Spoken:
    """Statistics of windows and the rows of the clips that they are cut from."""

    x: Singles  # (windows, size)
    clip: Indices  # (windows,)


@dataclass(frozen=True)
class Learnt:
    """What training draws from: all copies of every corpus, and what has no label."""

    windows: Spoken  # of all copies; ``clip`` is a row of Clips
    parties: tuple[tuple[Tensor, ...], ...]  # (windows, size) of each voice: of calls, of announcers
    sounds: Tensor  # (windows, size), no speech
    _moved: dict[str, tuple[Tensor, list[Tensor], Tensor]] = field(default_factory=dict)

    def on(self, device: str) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return labelled windows, parties and sounds on ``device``, where all parts of a run share them."""
        if device not in self._moved:
            parties = [party.to(device) for kind in self.parties for party in kind]
            x = torch.from_numpy(self.windows.x).to(device)
            self._moved[device] = (x, parties, self.sounds.to(device))
        return self._moved[device]

    def chances(self) -> Tensor:
        """Return how often each party is drawn: every kind alike, and its voices alike."""
        kinds = [torch.full((len(kind),), 1.0 / len(kind)) for kind in self.parties if kind]
        return torch.cat(kinds) if kinds else torch.zeros(0)


@dataclass(frozen=True)
class Clips:
    """The clips of all corpora, one after the other, and the statistics of their windows."""

    labels: Indices  # (n,)
    corpus: Indices  # (n,), in the order of affectstream.lab.training.speech.CORPORA
    allowed: Tensor  # (corpora, 7), True where the corpus has the class
    clean: Spoken  # ``clip`` is a row of the above
    encoder: SpeechEncoder  # whose statistics they are
    make: Callable[[], Learnt]  # takes minutes, and is asked for when something is trained

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
        with torch.inference_mode():
            found = network(torch.from_numpy(self.clean.x[mine]).to(recipe.device)).double().cpu().numpy()
        mean = per_clip(found, np.searchsorted(rows, self.clean.clip[mine]), len(rows))
        return np.asarray(np.where(self.allowed.numpy()[self.corpus[rows]], mean, mean.min() - 10))

    def class_targets(self, part: Part) -> Tensor:
        """Return the targets (n, 7) of the clips to learn from."""
        return one_hot(self.labels[part.learn])

    def finish(self, network: nn.Module, part: Part, recipe: Recipe) -> None:
        """Fit the domain of a trained ``network`` to the windows of ``part`` and to the unlabelled voices."""
        assert isinstance(network, VoiceNet)
        mine = np.flatnonzero(np.isin(self.learnt.windows.clip, part.learn))
        rng = np.random.default_rng(recipe.seed)
        chosen = np.sort(rng.permutation(mine)[:DOMAIN_ROWS])
        heard = [party for kind in self.learnt.parties for party in kind]
        fitted = fitted_domain(torch.cat([torch.from_numpy(self.learnt.windows.x[chosen]), *heard]))
        network.heads.domain.load_state_dict(fitted.state_dict())


class WindowTask:
    """Training on windows drawn evenly over the classes of a corpus, with unlabelled ones beside them.

    Some batches are mixed (Zhang et al., ICLR 2018). Over windows of one voice without labels, of a routine
    call or of an announcer, the mean answer is drawn to the prior of calls (expectation regularisation: Mann
    & McCallum, ICML 2007); each may differ from it. So how somebody sounds by nature is told from how they
    feel. The recipe's offset is added to them first: what it does is not learnt.
    """

    def __init__(self, clips: Clips, part: Part, recipe: VoiceRecipe) -> None:
        """Draw everything from one generator of the recipe's seed."""
        self._clips, self._recipe = clips, recipe
        self._rng = torch.Generator().manual_seed(recipe.seed)
        self._device = torch.device(recipe.device)
        self._rows = np.flatnonzero(np.isin(clips.learnt.windows.clip, part.learn))
        self._chances = torch.from_numpy(self._drawn())
        self._inputs, self._parties, self._sounds = clips.learnt.on(recipe.device)
        self._party_chances = clips.learnt.chances()
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
            x = self._inputs[torch.from_numpy(rows).to(self._device)]
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
        voices = self._voices() if recipe.calls else x[:0]
        sounds = self._some(self._sounds, SOUND_ROWS) if recipe.sounds else x[:0]
        offset = torch.zeros(len(x) + len(voices) + len(sounds), N_EMOTIONS)
        offset[: len(x)][~allowed] = NEVER
        leant = torch.zeros(N_EMOTIONS)
        leant[INDEX["neutral"]] = recipe.calls_offset

        def penalty(logits: Tensor) -> Tensor:
            n, total = len(voices) * members, logits.new_zeros(())
            if n:
                p = (logits[:n] + leant.to(logits.device)).softmax(dim=1)
                mean = p.view(-1, PARTY_ROWS, members, N_EMOTIONS).mean(dim=1)  # (parties, members, 7)
                prior = logits.new_tensor(CALL_PRIOR)
                total = total + recipe.calls * (prior * (prior.log() - mean.log())).sum(dim=2).mean()
            if len(sounds):
                total = total - recipe.sounds * logits[n:].log_softmax(dim=1).mean()
            return total

        inputs = (torch.cat([x, voices, sounds]), offset)
        return Batch(inputs, targets.repeat_interleave(members, dim=0), penalty)

    def _voices(self) -> Tensor:
        """Return PARTY_ROWS windows of each of PARTIES drawn voices without labels, those of one together."""
        if not len(self._party_chances):
            return self._inputs[:0]
        drawn = torch.multinomial(self._party_chances, PARTIES, True, generator=self._rng)
        return torch.cat([self._some(self._parties[party], PARTY_ROWS) for party in drawn.tolist()])

    def _some(self, rows: Tensor, n: int) -> Tensor:
        drawn = torch.randint(len(rows), (n,), generator=self._rng)
        return rows[drawn.to(rows.device)]

    def held_logits(self, network: nn.Module, epoch: int) -> Floats:
        """Return the logits of the held-out clips: of none, for the recipe is trained to its end."""
        return np.zeros((0, N_EMOTIONS))

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return the parameters of the heads: the encoder stays as it is."""
        assert isinstance(network, VoiceNet)
        return [{"params": list(network.heads.parameters())}]

    def random_state(self) -> dict[str, Any]:
        """Return the state of the generator."""
        return {"rng": self._rng.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        self._rng.set_state(state["rng"])
