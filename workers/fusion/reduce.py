"""The observations of windows, reduced to one distribution per modality.

Sums run over the observations of a window in the order of their start and number, so that no bit depends on
the order of arrival or on the windows beside it.

Video follows one face through a window. A worker keeps no state, so who is who is decided here, in event
order: the largest face of the window is the one meant, and from its frame it is followed forwards and
backwards to the face that overlaps it most (intersection over union). A frame in which nothing overlaps it
enough does not count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from operator import attrgetter
from typing import cast, get_args

import numpy as np
from msgspec import UNSET

from affectstream.models.fusion.evidence import Array, Flags
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES
from affectstream.schemas.observations import Abstention, Face, Probabilities, Reason, vectors
from affectstream.workers.fusion.window import INSTANT_MS, ClosedWindow, Window

MIN_IOU = 0.3  # at 5 frames per second a head that turns or nods keeps more than this
N_MODALITIES = len(MODALITIES)
UNIFORM = 1.0 / N_EMOTIONS  # stands for a modality without evidence, and has no weight
START_MS, END_MS, QUALITY, P, MODEL_ID = map(attrgetter, ("start_ms", "end_ms", "quality", "p", "model_id"))
REASONS: tuple[Reason, ...] = get_args(Reason)

Box = tuple[float, float, float, float]
Row = Probabilities | Abstention
Source = Probabilities | Face  # whose distribution and quality an observation counts with
Counted = tuple[list[Probabilities], list[Source]]  # the observations that count, and their sources

NOTHING: tuple[list[Row], ...] = ([],) * N_MODALITIES
NO_REASONS = (None,) * N_MODALITIES


@dataclass
class Reduced:
    """What the modalities bring to a number of windows; slot 3 w + m is modality m of window w."""

    p: Array  # (windows, modalities, 7), uniform where not present
    present: Flags  # (windows, modalities)
    quality: Array  # (windows, modalities)
    counts: list[int]  # observations that count, by slot
    models: list[str | None]  # of the newest one, by slot
    reasons: list[Reason | None]  # by slot, where the modality abstained
    embeddings: list[Array | None] = field(default_factory=list)  # (1, size) by slot; for networks alone


class _Gathered:
    """The observations that count, of many windows, slot after slot."""

    def __init__(self) -> None:
        self.items: list[Sequence[Row]] = []  # by slot; those that count
        self.sources: list[Sequence[Source | Row]] = []  # by slot; of each item
        self.reasons: list[Reason | None] = []  # by slot

    def add_window(self, window: Window) -> None:
        """Take the observations of a window that are not all distributions without faces, in order."""
        for rows, mixed in zip(window.rows, window.mixed, strict=True):
            ordered = in_order(rows, window.ordered)
            found, sources = counted(ordered) if mixed else (ordered, ordered)
            self.items.append(found)
            self.sources.append(sources)
            self.reasons.append(None if found else reason(ordered))


def gathered(windows: Iterable[ClosedWindow]) -> _Gathered:
    """Return the observations that count of each window and modality."""
    found = _Gathered()
    for closed in windows:
        window = closed.window
        if window is not None and (not window.ordered or True in window.mixed):
            found.add_window(window)
            continue
        rows = NOTHING if window is None else window.rows
        found.items += rows
        found.sources += rows
        found.reasons += NO_REASONS
    return found


def reduced_windows(windows: Sequence[ClosedWindow], window_ms: int, embeddings: bool) -> Reduced:
    """Reduce the observations of each window and modality to their weighted mean, or to why there is none."""
    found = gathered(windows)
    items = cast("list[Probabilities]", list(chain.from_iterable(found.items)))
    sources = cast("list[Source]", list(chain.from_iterable(found.sources)))
    counts = list(map(len, found.items))
    starts = np.repeat([closed.start_ms for closed in windows], N_MODALITIES)
    p, quality, weights = _means(items, sources, counts, starts, window_ms)
    return Reduced(
        p=p.reshape(len(windows), N_MODALITIES, N_EMOTIONS),
        present=(np.array(counts) > 0).reshape(len(windows), N_MODALITIES),
        quality=quality.reshape(len(windows), N_MODALITIES),
        counts=counts,
        models=[MODEL_ID(rows[-1]) if rows else None for rows in found.items],
        reasons=found.reasons,
        embeddings=_mean_embeddings(items, sources, counts, weights.tolist()) if embeddings else [],
    )


def _means(
    items: Sequence[Probabilities],
    sources: Sequence[Source],
    counts: Sequence[int],
    starts: Array,
    window_ms: int,
) -> tuple[Array, Array, Array]:
    """Return distributions (slots, 7), qualities (slots,), and the weight of every observation that counts.

    An observation weighs its overlap with the window times its quality; its overlap alone where all qualities
    of the slot are zero.
    """
    slots = len(counts)
    slot = np.repeat(np.arange(slots), counts)
    begin = starts[slot]
    start = np.fromiter(map(START_MS, items), np.int64, len(items))
    reach = np.maximum(np.fromiter(map(END_MS, items), np.int64, len(items)), start + INSTANT_MS)
    overlap = (np.minimum(reach, begin + window_ms) - np.maximum(start, begin)).astype(np.float64)
    weight = np.fromiter(map(QUALITY, sources), np.float64, len(sources)) * overlap
    weighed, span = np.bincount(slot, weight, slots), np.bincount(slot, overlap, slots)
    share = np.where(weighed[slot] > 0.0, weight, overlap)
    columns = vectors(map(P, sources)).T
    sums = np.stack([np.bincount(slot, share * column, slots) for column in columns])  # (7, slots)
    present = np.array(counts) > 0
    total = np.where(present, sums.sum(axis=0), 1.0)
    p = np.ascontiguousarray(np.where(present, sums / total, UNIFORM).T)
    return p, np.minimum(weighed / np.where(present, span, 1.0), 1.0), share


def _mean_embeddings(
    items: Sequence[Probabilities], sources: Sequence[Source], counts: Sequence[int], weights: list[float]
) -> list[Array | None]:
    ends = np.cumsum(counts).tolist()
    parts = [slice(end - count, end) for count, end in zip(counts, ends, strict=True)]
    return [mean_embedding(items[part], sources[part], weights[part]) for part in parts]


def in_order(rows: list[Row], ordered: bool) -> list[Row]:
    """Return ``rows`` by start and number."""
    return rows if ordered else sorted(rows, key=lambda row: (row.start_ms, row.seq))


def counted(rows: Iterable[Row]) -> Counted:
    """Return the observations that count, in the order of ``rows``, and the source of each."""
    found = [row for row in rows if isinstance(row, Probabilities)]
    if not any(row.faces for row in found):
        return found, [*found]
    followed = zip(found, follow(found), strict=True)
    pairs = [(row, face or row) for row, face in followed if face is not None or not row.faces]
    return [row for row, _ in pairs], [source for _, source in pairs]


def reason(rows: Iterable[Row]) -> Reason | None:
    """Return the most frequent reason for abstaining, the first of REASONS among equals; None without any."""
    reasons = Counter(row.reason for row in rows if isinstance(row, Abstention))
    if not reasons:
        return None
    top = max(reasons.values())
    return next(each for each in REASONS if reasons[each] == top)


def follow(frames: Sequence[Probabilities]) -> list[Face | None]:
    """Return per frame the face that is followed; None where it is absent or the frame lists no faces."""
    if all(len(frame.faces) == 1 for frame in frames):
        alone = [frame.faces[0] for frame in frames]
        if all(iou(a.box, b.box) >= MIN_IOU for a, b in pairwise(alone)):
            return list(alone)
    followed: list[Face | None] = [None] * len(frames)
    seed = _largest(frames)
    if seed is None:
        return followed
    index, face = seed
    followed[index] = face
    _walk(frames, range(index + 1, len(frames)), face, followed)
    _walk(frames, range(index - 1, -1, -1), face, followed)
    return followed


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes (left, top, width, height)."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    right, bottom = ax + aw, ay + ah
    width = (right if right < bx + bw else bx + bw) - (ax if ax > bx else bx)
    height = (bottom if bottom < by + bh else by + bh) - (ay if ay > by else by)
    if width <= 0.0 or height <= 0.0:
        return 0.0
    shared = width * height
    return shared / (aw * ah + bw * bh - shared)


def mean_embedding(
    items: Sequence[Probabilities], sources: Sequence[Source], weights: Sequence[float]
) -> Array | None:
    """Return the weighted mean (1, size) of the embeddings of the last one's model and size."""
    embeddings = [_embedding(item, source) for item, source in zip(items, sources, strict=True)]
    carried = [(w, item.model_id, e) for w, item, e in zip(weights, items, embeddings, strict=True) if e]
    if not carried:
        return None
    _, model, newest = carried[-1]
    alike = [(w, e) for w, m, e in carried if m == model and len(e) == len(newest)]
    read = [(w, np.frombuffer(e, "<f4").astype(np.float64)) for w, e in alike if len(e) % 4 == 0]
    sound = [(w, e) for w, e in read if np.isfinite(e).all()]
    if not sound:
        return None
    shares = np.array([w for w, _ in sound], dtype=np.float64)
    shares = shares / shares.max() if shares.any() else np.ones(len(sound))
    rows = np.stack([e for _, e in sound])
    mean: Array = (shares[:, None] * rows).sum(axis=0, keepdims=True) / shares.sum()
    return mean


def _embedding(item: Probabilities, source: Source) -> bytes | None:
    """Return the embedding of ``source``: a face's own, or the frame's where that is of this face."""
    if source is item or (source is item.faces[0] and source.embedding in (None, UNSET)):
        return item.embedding
    return source.embedding or None


def _largest(frames: Sequence[Probabilities]) -> tuple[int, Face] | None:
    """Return the largest face and its frame; the first of equals."""
    best: tuple[int, Face] | None = None
    for index, frame in enumerate(frames):
        for face in frame.faces:
            if best is None or _area(face) > _area(best[1]):
                best = index, face
    return best


def _walk(
    frames: Sequence[Probabilities], order: Iterable[int], face: Face, followed: list[Face | None]
) -> None:
    for index in order:
        match = max(frames[index].faces, key=lambda other: iou(face.box, other.box), default=None)
        if match is not None and iou(face.box, match.box) >= MIN_IOU:
            face = match
            followed[index] = match


def _area(face: Face) -> float:
    return face.box[2] * face.box[3]
