"""The training of one network that fuses embeddings, and the file that it is shipped in.

AdamW, gradient clipping, a rate halved on a plateau and early stopping, all by the negative log likelihood on
held-out groups; modalities are dropped at random while training, so that any subset of them can answer. The
temperature comes last (Guo et al., ICML 2017).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from affectstream.lab.fusion.log import Log
from affectstream.lab.fusion.networks import KINDS, finished
from affectstream.lab.splits import grouped_folds
from affectstream.lab.statistics import fit_temperature
from affectstream.models.fusion.evidence import Array
from affectstream.models.fusion.network_rule import inputs, standardised
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

CLIP = 1.0  # of the gradient's norm
PASS = 4096  # windows in one pass without gradients
LEAST = 1e-3  # a deviation below this is that of a constant


@dataclass(frozen=True)
class Recipe:
    """How one network is trained; kept in its file."""

    epochs: int = 40  # at most
    batch: int = 128
    rate: float = 3e-4
    weight_decay: float = 1e-2
    smoothing: float = 0.05  # of the labels
    dropped: float = 0.35  # the chance of each modality to be left out of a window
    blanked: float = 0.3  # the chance of each to come without its embedding, by its probabilities alone
    patience: int = 6  # epochs without progress before the end; half of it before the rate is halved
    held: int = 6  # one part of so many, by groups, decides when to stop
    seed: int = 0


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


def train(kind: str, log: Log, recipe: Recipe) -> Trained:
    """Return the network of ``kind``; raises InputError where the log has no embeddings."""
    require_embeddings(log)
    fold = grouped_folds(log.labels.tolist(), log.groups.tolist(), recipe.held, recipe.seed)[0]
    part, held = log.rows(fold.train), log.rows(fold.test)
    means, deviations = statistics(part)
    learn, judge = _batchable(part, means, deviations), _batchable(held, means, deviations)
    judge = _and_poorer(judge, recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = KINDS[kind]([len(mean) for mean in means])
        network.straight.begin(_ends(means), _ends(deviations))
        epochs = _fit(network, learn, judge, recipe)
    done = finished(network)
    logits, labels = _logits(done, judge), judge.labels.numpy()
    temperature = fit_temperature(logits, labels)
    held_nll = float(cross_entropy(torch.from_numpy(logits / temperature), judge.labels))
    return Trained(kind, done, means, deviations, temperature, held_nll, epochs)


def export(trained: Trained, path: Path, statement: Mapping[str, str]) -> None:
    """Write ``trained`` with what is to be said of it: float16, but for the statistics of the inputs."""
    state = trained.network.state_dict()
    tensors = {name: value.numpy().astype(np.float16) for name, value in state.items()}
    for modality, mean, deviation in zip(MODALITIES, trained.means, trained.deviations, strict=True):
        tensors[f"mean.{modality}"] = mean.astype(np.float32)
        tensors[f"deviation.{modality}"] = deviation.astype(np.float32)
    said = {"kind": trained.kind, "temperature": repr(trained.temperature), "labels": ",".join(EMOTIONS)}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.numpy.save_file(tensors, path, metadata={**statement, **said})


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


def _fit(network: nn.Module, learn: _Windows, judge: _Windows, recipe: Recipe) -> int:
    """Train in place, leave the best weights, and return the number of epochs."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=recipe.patience // 2)
    best, best_nll, waited, epoch = _copied(network), float("inf"), 0, 0
    while epoch < recipe.epochs and waited < recipe.patience:
        _epoch(network, optimiser, _batches(learn, recipe), recipe.smoothing)
        nll = float(cross_entropy(torch.from_numpy(_logits(network, judge)), judge.labels))
        plateau.step(nll)
        epoch, waited = epoch + 1, waited + 1
        if nll < best_nll:
            best, best_nll, waited = _copied(network), nll, 0
    network.load_state_dict(best)
    return epoch


def _epoch(
    network: nn.Module, optimiser: torch.optim.Optimizer, batches: Iterator[_Windows], smoothing: float
) -> None:
    network.train()
    for windows in batches:
        optimiser.zero_grad()
        loss = cross_entropy(network(windows.rows, windows.flags), windows.labels, label_smoothing=smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()


def _batches(windows: _Windows, recipe: Recipe) -> Iterator[_Windows]:
    """Yield all windows once, shuffled, with modalities left out; whole batches, for the normalisation."""
    order = torch.randperm(len(windows.labels))
    size = min(recipe.batch, len(order))
    for start in range(0, len(order) - size + 1, size):
        yield poorer(windows.at(order[start : start + size]), recipe)


def poorer(windows: _Windows, recipe: Recipe, generator: torch.Generator | None = None) -> _Windows:
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


def _and_poorer(windows: _Windows, recipe: Recipe) -> _Windows:
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


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}
