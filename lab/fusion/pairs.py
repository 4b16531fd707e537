"""Windows of three modalities from recorded logs, as synthetic calls.

There is no labelled corpus of face, voice and words here. So a window of an emotion takes a face, a voice and
a text of that emotion, each from its own corpus. How good each of them is, and which label they take where
they are wrong, is drawn from a generator of how modalities really co-occur (``lab.fusion.together``).
Without a generator they are pairs by label, as the reference systems had: errors are independent and the
modalities never really contradict each other. That is kept as a stress test only.

A call has one actor's voice. Faces and texts are dealt to the actors by their groups, so that calls of
different actors share nothing; where an actor's own have none of the emotion, the other items of the part
stand in. The emotion of a call is a Markov chain: it stays with the chance ``STAY``, else is drawn anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from affectstream.lab.fusion.logs.items import ProbabilityLog, joined
from affectstream.lab.fusion.together import Together
from affectstream.lab.fusion.windows import Calls, Indices, Log
from affectstream.models.fusion.evidence import Array, Evidence, Flags
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

Names = NDArray[np.str_]
Part = Literal["fit", "test"]
Shares = Literal["meld", "balanced"]

MELD_SHARES = (0.4715, 0.1745, 0.0684, 0.1110, 0.0268, 0.0271, 0.1206)  # of MELD train, in label order
STAY = 0.875  # from one window to the next: eight seconds of an emotion on average
LENGTH = 100  # windows of a call
PER_ACTOR = 300  # windows
PARTS: dict[Part, tuple[str, ...]] = {"fit": ("meld-held-out",), "test": ("meld-dev",)}
INDEPENDENT = Together(correlation=0.0, same_error=0.0, clips=0)
CAVEAT = (
    "Pairs by label: in a window face, voice and text come from different people and share only the emotion. "
    "So there are no real conflicts, errors are independent given the label, and fused accuracy is inflated."
)


@dataclass(frozen=True)
class Pool:
    """The items of one modality that a part may draw from."""

    log: ProbabilityLog
    owner: Indices  # (items,) the actor that an item was dealt to
    reserve: Flags  # (items,) drawn only where nothing else is there

    def items(self, actor: int, label: int) -> Indices:
        """Return the items of ``label``, the least likely first: the actor's own, his reserve, anybody's."""
        right = self.log.labels == label
        own = right & (self.owner == actor)
        for wanted in (own & ~self.reserve, own, right):
            rows = np.flatnonzero(wanted)
            if len(rows):
                sorted_rows: Indices = rows[np.argsort(self.log.p[0, rows, label], kind="stable")]
                return sorted_rows
        raise InputError(f"no {self.log.modality} of {EMOTIONS[label]} in {self.log.corpus}")


def paired(
    logs: Mapping[str, ProbabilityLog],
    part: Part,
    shares: Shares = "meld",
    per_actor: int = PER_ACTOR,
    seed: int = 0,
    together: Together | None = None,
) -> Calls:
    """Return the calls of one part; no actor, dialogue, comment or face group is in both parts.

    Without ``together`` the items of a window share their label and nothing else.
    """
    rng = np.random.default_rng([seed, part == "test"])
    actors, pools = pools_of(logs, part, seed)
    weights = np.array(MELD_SHARES) if shares == "meld" else np.full(N_EMOTIONS, 1 / N_EMOTIONS)
    labels = np.concatenate([_emotions(weights, per_actor, rng) for _ in actors])
    who = np.repeat(np.arange(len(actors)), per_actor)
    others = (labels + rng.integers(1, N_EMOTIONS, len(labels))) % N_EMOTIONS
    how = together or INDEPENDENT
    picked, swapped = (_picked(pools, who, wanted, how, rng) for wanted in (labels, others))
    clean = np.zeros_like(picked)
    number = [len(pool.log.conditions) for pool in pools]
    bad = np.stack([rng.integers(1, max(n, 2), len(labels)) % n for n in number], axis=1)
    log = Log(_evidence(pools, picked, clean), labels, actors[who], statement(pools, part, shares, together))
    call = np.arange(len(labels)) // min(LENGTH, per_actor)
    return Calls(log, call, _evidence(pools, picked, bad), _evidence(pools, swapped, clean))


def pools_of(logs: Mapping[str, ProbabilityLog], part: Part, seed: int = 0) -> tuple[Names, list[Pool]]:
    """Return the actors of a part and its items per modality, in the order of schemas.messages."""
    rng = np.random.default_rng([seed, 7])
    voice = half(logs["audio-ravdess"], part, rng)
    faces = half(logs["video-ferplus-valid"], part, rng)
    comments = half(logs["text-goemotions-dev"], part, rng)
    said = joined([*(logs[f"text-{name}"] for name in PARTS[part]), comments])
    reserve = np.arange(len(said.labels)) >= len(said.labels) - len(comments.labels)
    actors = np.unique(voice.groups)
    whose = np.searchsorted(actors, voice.groups).astype(np.int64)
    none = np.zeros(len(faces.labels), np.bool_)
    return actors, [
        Pool(faces, _dealt(faces.groups, len(actors), rng), none),
        Pool(voice, whose, np.zeros(len(voice.labels), np.bool_)),
        Pool(said, _dealt(said.groups, len(actors), rng), reserve),
    ]


def half(log: ProbabilityLog, part: Part, rng: np.random.Generator) -> ProbabilityLog:
    """Return the items of one half of the groups, drawn by ``rng``; the other part gets the rest."""
    names, number = np.unique(log.groups, return_inverse=True)
    first = rng.permutation(len(names)) < (len(names) + 1) // 2
    return log.take(first[number] == (part == "fit"))


def statement(pools: Sequence[Pool], part: Part, shares: Shares, together: Together | None = None) -> str:
    """Return what every figure on these windows must be read with."""
    items = ", ".join(
        f"{len(pool.log.labels)} of {pool.log.corpus} ({len(np.unique(pool.log.groups))} groups)"
        for pool in pools
    )
    how = "classes as frequent as in MELD" if shares == "meld" else "classes equally frequent"
    comments = "a comment only where an actor's share of the dialogues has none of the emotion"
    caveat = together.statement() if together else CAVEAT
    return f"The {part} part draws from {items}; {comments}; {how}. {caveat}"


def _dealt(groups: Names, actors: int, rng: np.random.Generator) -> Indices:
    names, number = np.unique(groups, return_inverse=True)
    owner: Indices = (rng.permutation(len(names)) % actors)[number].astype(np.int64)
    return owner


def _emotions(weights: Array, windows: int, rng: np.random.Generator) -> Indices:
    """Return a chain of emotions with the stationary shares ``weights``."""
    fresh = rng.choice(N_EMOTIONS, windows, p=weights / weights.sum())
    anew = rng.random(windows) >= STAY
    anew[::LENGTH] = True
    since = np.maximum.accumulate(np.where(anew, np.arange(windows), 0))
    chain: Indices = fresh[since].astype(np.int64)
    return chain


def _picked(
    pools: Sequence[Pool], who: Indices, labels: Indices, how: Together, rng: np.random.Generator
) -> Indices:
    """Return the items (windows, modalities) of windows of these actors and labels."""
    sorted_items: dict[tuple[int, int], list[Indices]] = {}
    ranks = how.ranks(len(labels), rng)
    alike = rng.random(ranks.shape) < how.same_error
    picked = np.zeros(ranks.shape, dtype=np.int64)
    for w, key in enumerate(zip(who.tolist(), labels.tolist(), strict=True)):
        if key not in sorted_items:
            sorted_items[key] = [pool.items(*key) for pool in pools]
        errors: list[int] = []  # the labels of the modalities that are wrong, of those picked so far
        for m, (pool, items) in enumerate(zip(pools, sorted_items[key], strict=True)):
            said = pool.log.p[0, items].argmax(axis=1)
            place = min(int(ranks[w, m] * len(items)), len(items) - 1)
            if said[place] != key[1] and errors and alike[w, m]:
                place = _nearest(said == errors[0], place)
            if said[place] != key[1]:
                errors.append(int(said[place]))
            picked[w, m] = items[place]
    return picked


def _nearest(wanted: Flags, place: int) -> int:
    """Return the place nearest to ``place`` that is wanted; itself where none is."""
    there = np.flatnonzero(wanted)
    return int(there[np.abs(there - place).argmin()]) if len(there) else place


def _evidence(pools: Sequence[Pool], picked: Indices, condition: Indices) -> Evidence:
    """Return what is said of the items ``picked`` under ``condition`` (windows, modalities); trust is 1."""
    logs = [pool.log for pool in pools]
    columns = list(zip(logs, condition.T, picked.T, strict=True))
    p, present, quality = (
        np.stack([getattr(log, name)[c, i] for log, c, i in columns], axis=1)
        for name in ("p", "present", "quality")
    )
    embeddings = tuple(
        None if log.embeddings is None else log.embeddings[c, i].astype(np.float64) for log, c, i in columns
    )
    return Evidence(p, present, quality, np.ones(quality.shape), embeddings)


def without_embeddings(calls: Calls) -> Calls:
    """Return the same calls without embeddings: most rules do not look at them."""

    def bare(e: Evidence | None) -> Evidence | None:
        return None if e is None else replace(e, embeddings=())

    log = replace(calls.log, evidence=replace(calls.log.evidence, embeddings=()))
    return replace(calls, log=log, worse=bare(calls.worse), other=bare(calls.other))


assert len(MODALITIES) == 3, "pairs are made of a face, a voice and a text"
