"""Training rows of the text model: MELD with its context and GoEmotions, split and batched."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from affectstream.lab.datasets.goemotions import read_goemotions
from affectstream.lab.datasets.meld import read_meld
from affectstream.models.protocol import Array
from affectstream.models.text.tokenise import Tokeniser, plain

CORPORA = ("meld", "goemotions", "calls")
CALLS = CORPORA.index("calls")
CAST, OTHERS = ("Chandler", "Joey", "Monica", "Phoebe", "Rachel", "Ross"), "others"  # of MELD
CONTEXT_SHARE = (0.15, 0.15, 0.70)  # of zero, one and two turns of context, drawn anew in every epoch


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its label; ``corpus`` indexes CORPORA."""

    text: str
    context: tuple[str, ...]
    label: int
    corpus: int
    group: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded ids and segments (n, 2, length), labels (n,) and corpora (n,)."""

    prepared: Array
    labels: npt.NDArray[np.int64]
    corpora: npt.NDArray[np.int64]


def labels_of(rows: Sequence[Row]) -> npt.NDArray[np.int64]:
    """Return the labels (n,) of ``rows``."""
    return np.array([row.label for row in rows], dtype=np.int64)


def meld_rows(path: Path) -> list[Row]:
    """Return MELD's utterances as rows with two turns of context."""
    return [
        Row(u.text, u.context, u.label, 0, u.group, u.speaker if u.speaker in CAST else OTHERS)
        for u in read_meld(path)
    ]


def goemotions_rows(path: Path, once: bool = True) -> list[Row]:
    """Return GoEmotions' comments with a majority label as rows, each text ``once`` for training."""
    rows, seen = [], set()
    for comment in read_goemotions(path).comments:
        key = plain(comment.text).lower()
        if not (once and key in seen):
            seen.add(key)
            rows.append(Row(comment.text, (), comment.label, 1, comment.comment_id))
    return rows


def hold_out(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Divide ``rows`` by group into those to train on and a ``share`` held out."""
    groups = sorted({row.group for row in rows})
    random.Random(seed).shuffle(groups)
    held = set(groups[: round(len(groups) * share)])
    return [r for r in rows if r.group not in held], [r for r in rows if r.group in held]


def capped(rows: Sequence[Row], cap: int, seed: int) -> list[Row]:
    """Keep at most ``cap`` rows of each class, drawn at random."""
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    counts = [0] * 7
    kept = []
    for row in shuffled:
        counts[row.label] += 1
        if counts[row.label] <= cap:
            kept.append(row)
    return kept


def pad(arrays: Sequence[Array]) -> Array:
    """Stack ids and segments (2, length) into (n, 2, longest), padded with zeros."""
    out = np.zeros((len(arrays), 2, max(a.shape[1] for a in arrays)), dtype=np.int64)
    for i, array in enumerate(arrays):
        out[i, :, : array.shape[1]] = array
    return out


def batches(rows: Sequence[Row], tokeniser: Tokeniser, size: int, seed: int) -> Iterator[Batch]:
    """Yield every row once, in batches of about equal length and random order, with random context."""
    rng = random.Random(seed)
    laid = []
    for row in rows:
        turns = rng.choices((0, 1, 2), CONTEXT_SHARE)[0]
        context = row.context[-turns:] if turns else ()
        laid.append((tokeniser.layout(row.text, context), row))
    rng.shuffle(laid)
    window = size * 40
    parts = [sorted(laid[i : i + window], key=lambda x: x[0].shape[1]) for i in range(0, len(laid), window)]
    cut = [part[i : i + size] for part in parts for i in range(0, len(part), size)]
    rng.shuffle(cut)
    for part in cut:
        yield as_batch([a for a, _ in part], [r for _, r in part])


def batch_count(rows: int, size: int) -> int:
    """Return how many batches ``batches`` yields for so many rows."""
    window = size * 40
    return sum(-(-min(window, rows - i) // size) for i in range(0, rows, window))


def as_batch(arrays: Sequence[Array], rows: Sequence[Row]) -> Batch:
    """Return the batch of laid-out arrays and their rows."""
    return Batch(pad(arrays), labels_of(rows), np.array([r.corpus for r in rows], dtype=np.int64))
