"""Trained networks as rules of the stream, without torch.

A window is put to its network with every subset of the modalities that are present. The answer is the mean
over the subsets, where a modality is in with the probability ``min(1, trust / FULL_TRUST)``: a network has
learned how far to believe each modality, so that trust matters only where an operator or age takes it nearly
away. A modality with no trust is not there.

The share of a modality is that of its token (``cross_attention``), or else how far the answer moves when it
is left out: the total variation distance, times the probability that it is in, as a share of the sum.

A modality that is present without an embedding that fits (a worker that sends none, or a network that was
trained on those of other weights than the shipped ones) counts by its probabilities alone, which the networks
are trained for. Where none of those present has one, the rule
``fallback`` answers. ``name_of`` states it per window: ``early_late/1a2b3c4d-partial`` and ``-fallback``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from affectstream.models.fusion.evidence import Array, Evidence, Flags, Pooled, Rule
from affectstream.models.fusion.network_file import read
from affectstream.models.fusion.networks import FORWARD, SUBSETS, projections, straight
from affectstream.models.weights import read_card
from affectstream.schemas.errors import ModelError, SettingsError
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

__all__ = ["FORWARD", "Network", "NetworkRule", "file_of", "network", "require_embeddings", "rules"]

FOLDER = Path(__file__).parents[1] / "weights"
FULL_TRUST = 0.25  # from here on a modality is in every subset
FLOOR = 1e-4  # a probability below this is read as this: its logarithm is an input
LIMIT = 6.0  # standard deviations, beyond which an input is cut off
SHORT = 8  # digits of the file's hash in the rule's name
TINY = 1e-12
CARDS = {"video": "face", "audio": "voice", "text": "text"}


@dataclass(frozen=True)
class Network:
    """What a file holds; sizes are of the embeddings, in the order of the modalities."""

    kind: str
    tensors: Mapping[str, Array]
    temperature: float
    sizes: tuple[int, ...]
    digest: str
    statement: Mapping[str, str]  # the metadata of the file
    fresh: tuple[bool, ...] = (True,) * len(MODALITIES)  # False: its model has other weights since

    def table(self, rows: Sequence[Array]) -> tuple[Array, Array | None]:
        """Return probabilities (8, 7) of one window's rows per subset, and the tokens' shares (8, 3)."""
        projected = projections(self.tensors, rows)
        logits, shares = FORWARD[self.kind](self.tensors, projected, SUBSETS)
        scaled = (logits + straight(self.tensors, rows, SUBSETS)) / self.temperature
        raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True), shares


@dataclass(frozen=True)
class NetworkRule:
    """A network, and the rule that answers where embeddings are missing."""

    network: Network
    fallback: Rule

    @property
    def name(self) -> str:
        """The kind of the network, and the first digits of its file's hash."""
        return f"{self.network.kind}/{self.network.digest[:SHORT]}"

    def name_of(self, evidence: Evidence) -> str:
        """Return the rule that the message of one window names."""
        lacking = (evidence.present & ~embedded(self.network, evidence)).any()
        if not lacking:
            return self.name
        return (
            f"{self.name}-partial"
            if with_embeddings(self.network, evidence).any()
            else f"{self.name}-fallback"
        )

    def fuse(self, evidence: Evidence) -> Pooled:
        """Return the networks' answers; a window's does not depend on the windows beside it."""
        pooled = self.fallback.fuse(evidence)
        p, weights = pooled.p.copy(), pooled.weights.copy()
        there = embedded(self.network, evidence)
        for w in np.flatnonzero((evidence.present & there).any(axis=1)):
            p[w], weights[w] = _fused(self.network, evidence, there[w], int(w))
        return Pooled(p, weights)


def rules(fallback: Rule, folder: Path = FOLDER) -> dict[str, NetworkRule]:
    """Return the networks by kind whose files are in ``folder``; raises ModelError for a bad file."""
    paths = {kind: folder / file_of(kind) for kind in FORWARD}
    made = {kind: network(path) for kind, path in paths.items() if path.exists()}
    return {kind: NetworkRule(replace(n, fresh=_fresh(n.statement)), fallback) for kind, n in made.items()}


def weights_of(name: str) -> str:
    """Return how a network's file names the shipped weights of a card: model and first digits of the hash."""
    card = read_card(name)
    return f"{card.model_id} {card.sha256[:12]}"


def _fresh(statement: Mapping[str, str]) -> tuple[bool, ...]:
    shipped = {name: weights_of(name) for name in CARDS.values()}
    return tuple(statement.get(CARDS[m], shipped[CARDS[m]]) == shipped[CARDS[m]] for m in MODALITIES)


def file_of(kind: str) -> str:
    """Return the name of the file that a network of ``kind`` is shipped in."""
    return f"fusion-{kind.replace('_', '-')}.safetensors"


def require_embeddings(rule: Rule, embeddings: bool) -> None:
    """Raise SettingsError where ``rule`` is a network and the workers do not send embeddings."""
    if isinstance(rule, NetworkRule) and not embeddings:
        raise SettingsError(
            f"fusion.rule {rule.network.kind} reads embeddings, which the workers do not send: "
            "set fusion.embeddings = true for all of them, or choose another rule"
        )


def network(path: Path) -> Network:
    """Return the network in ``path``; raises ModelError."""
    stored = read(path)
    try:
        kind, temperature = stored.metadata["kind"], float(stored.metadata["temperature"])
        sizes = tuple(len(stored.tensors[f"mean.{m}"]) - N_EMOTIONS for m in MODALITIES)
        made = Network(kind, stored.tensors, temperature, sizes, stored.digest, stored.metadata)
        p, _ = made.table([stored.tensors[f"mean.{m}"] for m in MODALITIES])
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path} holds no fusion network that is known: train it again") from error
    if p.shape != (len(SUBSETS), N_EMOTIONS) or not np.isfinite(p).all():
        raise ModelError(f"{path} holds a network that does not give seven probabilities: train it again")
    return made


def with_embeddings(network: Network, evidence: Evidence) -> Flags:
    """Return the windows (n,) in which some modality that is present brings an embedding that fits."""
    return np.asarray((evidence.present & embedded(network, evidence)).any(axis=1))


def embedded(network: Network, evidence: Evidence) -> Flags:
    """Return where (n, 3) an embedding is there: fresh, of the size that fits, finite and not all zeros."""
    windows = len(evidence.p)
    columns = [_fits(x, size, windows) for x, size in zip(_all(evidence), network.sizes, strict=True)]
    there: Flags = np.stack(columns, axis=1) & np.array(network.fresh)
    return there


def inputs(embedding: Array, p: Array) -> Array:
    """Return the row (..., size + 7) of an embedding (..., size) and a distribution (..., 7)."""
    row: Array = np.concatenate([embedding, np.log(np.maximum(p, FLOOR))], axis=-1)
    return row


def standardised(rows: Array, mean: Array, deviation: Array) -> Array:
    """Return ``rows`` (n, size) as standard deviations from the mean of training, within +-LIMIT."""
    scaled: Array = np.clip((rows - mean) / deviation, -LIMIT, LIMIT)
    return scaled


def _all(evidence: Evidence) -> tuple[Array | None, ...]:
    return evidence.embeddings or (None,) * len(MODALITIES)


def _fits(x: Array | None, size: int, windows: int) -> Flags:
    if x is None or x.shape[1] != size:
        return np.zeros(windows, np.bool_)
    there: Flags = np.isfinite(x).all(axis=1) & (x != 0.0).any(axis=1)
    return there


def _fused(network: Network, evidence: Evidence, embedded: Flags, w: int) -> tuple[Array, Array]:
    """Return the distribution (7,) and the shares (3,) of window ``w``."""
    present = evidence.present[w]
    table, shares = network.table(_rows(network, evidence, embedded, w))
    gate = np.where(present, np.minimum(evidence.trust[w] / FULL_TRUST, 1.0), 0.0)
    if not gate.any():
        gate = present.astype(np.float64)
    chance = np.where(SUBSETS, gate, 1.0 - gate).prod(axis=1)  # (8,) of each subset
    chance[0] = 0.0
    chance /= chance.sum()
    raw = _moved(table, present) * gate if shares is None else chance @ shares
    if raw.sum() < TINY:
        raw = gate
    return chance @ table, raw / raw.sum()


def _rows(network: Network, evidence: Evidence, embedded: Flags, w: int) -> list[Array]:
    """Return the standardised row (size + 7,) of every modality; zeros stand for an embedding that lacks."""
    rows = []
    for m, (name, x, size) in enumerate(zip(MODALITIES, _all(evidence), network.sizes, strict=True)):
        embedding = x[w] if x is not None and embedded[m] else np.zeros(size)
        mean, deviation = (network.tensors[f"{kind}.{name}"] for kind in ("mean", "deviation"))
        row = standardised(inputs(embedding, evidence.p[w, m]), mean, deviation)
        row[:size] *= embedded[m]
        rows.append(row)
    return rows


def _moved(table: Array, present: Flags) -> Array:
    """Return how far the answer moves when each modality is left out; the only one moves it all the way."""
    bits = 1 << np.arange(len(MODALITIES))
    whole = int(bits @ present)
    without = whole - np.where(present, bits, 0)  # (3,) the rows of the table
    moved = np.abs(table[whole] - table[without]).sum(axis=1) / 2.0
    moved = np.where(without == 0, 1.0, moved)
    moves: Array = np.where(present, moved, 0.0)
    return moves
