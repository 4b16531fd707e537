"""The networks that fuse embeddings: training on recorded windows, and the file that each is shipped in.

Modalities are left out at random while training, so that any subset of them can answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from torch import Tensor, nn

from affectstream.lab.fusion import failures, pairs
from affectstream.lab.fusion.logs.items import read_all
from affectstream.lab.fusion.networks import KINDS, finished
from affectstream.lab.fusion.windows import Log
from affectstream.lab.splits import grouped_folds
from affectstream.lab.statistics import cross_entropy, fit_temperature
from affectstream.lab.training import loop
from affectstream.lab.training.loop import Report
from affectstream.lab.training.recipe import FusionRecipe
from affectstream.lab.training.task import Batch
from affectstream.models.fusion.evidence import Array
from affectstream.models.fusion.network_rule import CARDS, file_of, inputs, standardised, weights_of
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

PER_ACTOR = 800  # windows, against 300 for the pools: a network has more to learn
PASS = 4096  # windows in one pass without gradients
LEAST = 1e-3  # a deviation below this is that of a constant


@dataclass(frozen=True)
class Trained:
    """A network ready to be shipped, with what its inputs are standardised by."""

    kind: str
    network: nn.Module
    means: Sequence[Array]  # per modality (size,)
    deviations: Sequence[Array]
    temperature: float
    held_nll: float  # of held-out windows, whole and poorer, after the temperature
    epochs: int

    def logits(self, log: Log) -> Array:
        """Return logits (windows, 7) before the temperature."""
        return _logits(self.network, _batchable(log, self.means, self.deviations))


@dataclass(frozen=True)
class _Windows:
    rows: Sequence[Tensor]  # per modality (n, size)
    flags: Tensor  # (n, 3)
    labels: Tensor  # (n,)

    def at(self, chosen: Tensor) -> "_Windows":
        return _Windows([x[chosen] for x in self.rows], self.flags[chosen], self.labels[chosen])


class FusionTask:
    """Training on shuffled windows with modalities and embeddings left out; chance is torch's own."""

    def __init__(self, learn: _Windows, held: _Windows, recipe: FusionRecipe) -> None:
        """Take the windows to learn from and the held-out ones, which are judged whole and poorer."""
        self._learn, self._held, self._recipe = learn, held, recipe
        self._size = min(recipe.batch, len(learn.labels))
        self.held_labels = held.labels.numpy()

    def steps(self, epoch: int) -> int:
        """Return the number of whole batches, for the normalisation."""
        return len(self._learn.labels) // self._size

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``."""
        order = torch.randperm(len(self._learn.labels))
        for start in range(0, self.steps(epoch) * self._size, self._size):
            windows = poorer(self._learn.at(order[start : start + self._size]), self._recipe)
            yield Batch((windows.rows, windows.flags), windows.labels)

    def held_logits(self, network: nn.Module, epoch: int) -> Array:
        """Return the logits of the held-out windows."""
        return _logits(network, self._held)

    def groups(self, network: nn.Module) -> Iterable[Any]:
        """Return all parameters."""
        return network.parameters()

    def random_state(self) -> dict[str, Any]:
        """Return nothing: torch's own generator is kept with every checkpoint."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue: nothing is to be restored."""


def train(log: Log, recipe: FusionRecipe, report: Report = lambda line: None) -> Trained:
    """Return the network that ``recipe`` names; raises InputError where the log has no embeddings."""
    require_embeddings(log)
    fold = grouped_folds(log.labels.tolist(), log.groups.tolist(), recipe.folds_held, recipe.seed)[0]
    part, held = log.rows(fold.train), log.rows(fold.test)
    means, deviations = statistics(part)
    judge = _and_poorer(_batchable(held, means, deviations), recipe)
    task = FusionTask(_batchable(part, means, deviations), judge, recipe)
    epochs = 0

    def counted(line: str) -> None:
        nonlocal epochs
        epochs += 1
        report(line)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = KINDS[recipe.network]([len(mean) for mean in means])
        network.straight.begin(_ends(means), _ends(deviations))
        done = finished(loop.train(network, recipe, task, None, counted))
    logits = _logits(done, judge)
    temperature = fit_temperature(logits, task.held_labels)
    held_nll = cross_entropy(logits, task.held_labels, temperature)
    return Trained(recipe.network, done, means, deviations, temperature, held_nll, epochs)


def export(trained: Trained, path: Path, statement: Mapping[str, str]) -> None:
    """Write ``trained`` with what is to be said of it: float16, but for the statistics of the inputs."""
    state = trained.network.state_dict()
    tensors = {name: value.numpy().astype(np.float16) for name, value in state.items()}
    for modality, mean, deviation in zip(MODALITIES, trained.means, trained.deviations, strict=True):
        tensors[f"mean.{modality}"] = mean.astype(np.float32)
        tensors[f"deviation.{modality}"] = deviation.astype(np.float32)
    own = {"kind": trained.kind, "temperature": repr(trained.temperature), "labels": ",".join(EMOTIONS)}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.numpy.save_file(tensors, path, metadata={**statement, **own})


def require_embeddings(log: Log) -> None:
    """Raise InputError unless every modality of ``log`` has embeddings and is present somewhere."""
    embeddings = log.evidence.embeddings or (None,) * len(MODALITIES)
    for column, (modality, x) in enumerate(zip(MODALITIES, embeddings, strict=True)):
        if x is None or not log.evidence.present[:, column].any():
            raise InputError(f"the log has no embeddings of {modality}: make it again with embeddings")


def statistics(log: Log) -> tuple[list[Array], list[Array]]:
    """Return per modality mean and deviation (size,) of its inputs where it is present."""
    seen = [x[log.evidence.present[:, m]] for m, x in enumerate(_raw(log))]
    means = [x.mean(axis=0).astype(np.float32).astype(np.float64) for x in seen]
    deviations = [x.std(axis=0) for x in seen]
    whole = [np.where(d < LEAST, 1.0, d).astype(np.float32).astype(np.float64) for d in deviations]
    return means, whole


def _ends(rows: Sequence[Array]) -> Tensor:
    """Return what belongs to the log probabilities (3, 7)."""
    return torch.from_numpy(np.stack([row[-N_EMOTIONS:] for row in rows]).astype(np.float32))


def _raw(log: Log) -> list[Array]:
    e = log.evidence
    return [inputs(x, e.p[:, m]) for m, x in enumerate(e.embeddings) if x is not None]


def _batchable(log: Log, means: Sequence[Array], deviations: Sequence[Array]) -> _Windows:
    scaled = [standardised(*three) for three in zip(_raw(log), means, deviations, strict=True)]
    rows = [torch.from_numpy(x.astype(np.float32)) for x in scaled]
    return _Windows(rows, torch.from_numpy(log.evidence.present), torch.from_numpy(log.labels))


def poorer(windows: _Windows, recipe: FusionRecipe, generator: torch.Generator | None = None) -> _Windows:
    """Return ``windows`` with modalities left out, and with embeddings left out of those that stay."""
    flags = left_out(windows.flags, recipe.dropped, generator)
    kept = torch.rand(flags.shape, generator=generator) >= recipe.blanked
    rows = [without_embedding(x, k) for x, k in zip(windows.rows, kept.unbind(dim=1), strict=True)]
    return _Windows(rows, flags, windows.labels)


def without_embedding(rows: Tensor, kept: Tensor) -> Tensor:
    """Return ``rows`` (n, size + 7) with the mean in place of the embedding where it is not ``kept`` (n,)."""
    embedding, log_p = rows[:, :-N_EMOTIONS], rows[:, -N_EMOTIONS:]
    return torch.cat([torch.where(kept[:, None], embedding, 0.0), log_p], dim=1)


def left_out(flags: Tensor, chance: float, generator: torch.Generator | None = None) -> Tensor:
    """Return ``flags`` (n, 3) with each modality left out with ``chance``, but never all of them."""
    kept = flags & (torch.rand(flags.shape, generator=generator) >= chance)
    return torch.where(kept.any(dim=1, keepdim=True), kept, flags)


def _and_poorer(windows: _Windows, recipe: FusionRecipe) -> _Windows:
    """Return all windows twice: as they are, and poorer, always in the same way."""
    fewer = poorer(windows, recipe, torch.Generator().manual_seed(recipe.seed))
    rows = [torch.cat(both) for both in zip(windows.rows, fewer.rows, strict=True)]
    return _Windows(rows, torch.cat([windows.flags, fewer.flags]), windows.labels.repeat(2))


def _logits(network: nn.Module, windows: _Windows) -> Array:
    network.eval()
    parts = [windows.at(part) for part in torch.split(torch.arange(len(windows.labels)), PASS)]
    with torch.inference_mode():
        out = [network(part.rows, part.flags) for part in parts]
    return torch.cat(out).double().numpy()


def windows(logs: Path, seed: int = 0, per_actor: int = PER_ACTOR) -> Log:
    """Return the windows to train on, each as it is and once with failures; raises InputError."""
    calls = pairs.paired(read_all(logs), "fit", "meld", per_actor)  # the same for every seed
    return failures.corrupted(calls, np.random.default_rng([seed, 5]))


def ship(recipes: Sequence[FusionRecipe], log: Log, folder: Path, report: Report) -> None:
    """Train and write the networks of ``recipes``; raises InputError, ModelError."""
    models = {name: weights_of(name) for name in CARDS.values()}
    for recipe in recipes:
        done = train(log, recipe)
        path = folder / file_of(recipe.network)
        export(done, path, {**models, "data": log.source, "recipe": recipe.model_dump_json()})
        report(
            f"wrote {path}: {path.stat().st_size / 1e6:.2f} MB, {done.epochs} epochs, held-out NLL "
            f"{done.held_nll:.4f}, temperature {done.temperature:.3f}"
        )
