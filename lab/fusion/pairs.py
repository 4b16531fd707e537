"""Windows of three modalities put together by label from recorded logs, as synthetic calls.

There is no labelled corpus of face, voice and words here. So a window of an emotion takes a face, a voice and
a text of that emotion, each from its own corpus, as the reference systems did. Two things follow. The
modalities never really contradict each other. And given the label their errors are independent, which real
ones are not: fused accuracy is higher than it will be on one person, and that of rules that count agreement
most of all.

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

    def draw(self, actor: int, label: int, rng: np.random.Generator) -> int:
        """Return an item of ``label``: the actor's own, else a reserve of his, else anybody's of the part."""
        right = self.log.labels == label
        own = right & (self.owner == actor)
        for wanted in (own & ~self.reserve, own, right):
            rows = np.flatnonzero(wanted)
            if len(rows):
                return int(rows[rng.integers(len(rows))])
        raise InputError(f"no {self.log.modality} of {EMOTIONS[label]} in {self.log.corpus}")


def paired(
    logs: Mapping[str, ProbabilityLog],
    part: Part,
    shares: Shares = "meld",
    per_actor: int = PER_ACTOR,
    seed: int = 0,
) -> Calls:
    """Return the calls of one part; no actor, dialogue, comment or face group is in both parts."""
    rng = np.random.default_rng([seed, part == "test"])
    actors, pools = pools_of(logs, part, seed)
    weights = np.array(MELD_SHARES) if shares == "meld" else np.full(N_EMOTIONS, 1 / N_EMOTIONS)
    labels = np.concatenate([_emotions(weights, per_actor, rng) for _ in actors])
    who = np.repeat(np.arange(len(actors)), per_actor)
    others = (labels + rng.integers(1, N_EMOTIONS, len(labels))) % N_EMOTIONS
    picked, swapped = (_picked(pools, who, wanted, rng) for wanted in (labels, others))
    clean = np.zeros_like(picked)
    number = [len(pool.log.conditions) for pool in pools]
    bad = np.stack([rng.integers(1, max(n, 2), len(labels)) % n for n in number], axis=1)
    log = Log(_evidence(pools, picked, clean), labels, actors[who], statement(pools, part, shares))
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


def statement(pools: Sequence[Pool], part: Part, shares: Shares) -> str:
    """Return what every figure on these windows must be read with."""
    items = ", ".join(
        f"{len(pool.log.labels)} of {pool.log.corpus} ({len(np.unique(pool.log.groups))} groups)"
        for pool in pools
    )
    how = "classes as frequent as in MELD" if shares == "meld" else "classes equally frequent"
    comments = "a comment only where an actor's share of the dialogues has none of the emotion"
    return f"The {part} part draws from {items}; {comments}; {how}. {CAVEAT}"


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


def _picked(pools: Sequence[Pool], who: Indices, labels: Indices, rng: np.random.Generator) -> Indices:
    wanted = zip(who.tolist(), labels.tolist(), strict=True)
    rows = [[pool.draw(actor, label, rng) for pool in pools] for actor, label in wanted]
    return np.array(rows, dtype=np.int64)  # (windows, modalities)


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
