"""Failures of a stream put into labelled calls: the conditions of the comparison.

A condition is a function of calls and a generator. The labels stay what they were. Where a share of inputs is
hit, each modality of each window is hit on its own; in a failure that lasts (another person, a frozen frame,
a delay) one modality of each call is hit throughout, another one in the next call.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from affectstream.lab.fusion.windows import Calls, Indices, Log, chained, taken
from affectstream.models.fusion.evidence import Evidence, Flags
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES

HIT = 0.25  # of the inputs of every modality
TAUGHT = HIT  # of the corrupted half of what rules are fitted on
NEAR_FLAT = 0.2  # deviation of the logits of a model that sees nothing
SURE = (0.6, 0.99)  # between these lies what a confidently wrong model gives its class
HELD = 20  # windows that a frozen value lasts
LATE = 3  # windows that a delayed modality lags behind

Generator = np.random.Generator
Make = Callable[[Calls, Generator], Log]


@dataclass(frozen=True)
class Condition:
    """One thing that may happen to calls."""

    name: str
    what: str  # for a reader
    make: Make
    needs: str = ""  # the field of Calls that must be there


def clean(calls: Calls, rng: Generator) -> Log:
    """Return the calls as they are."""
    return calls.log


def only(calls: Calls, kept: Sequence[int]) -> Log:
    """Return the calls with the modalities ``kept`` alone."""
    mask = np.isin(np.arange(len(MODALITIES)), kept)
    e = calls.log.evidence
    return replace(calls.log, evidence=replace(e, present=e.present & mask))


def noise(calls: Calls, rng: Generator, modalities: Sequence[int] = (0, 1, 2)) -> Log:
    """Return the calls with every input of ``modalities`` really degraded."""
    if calls.worse is None:
        raise InputError("these calls were not recorded with degraded inputs")
    return mixed(calls.log, calls.worse, np.isin(np.arange(len(MODALITIES)), modalities) & _all(calls))


def quiet(calls: Calls, rng: Generator) -> Log:
    """Return the calls with a share of the inputs saying next to nothing, at unchanged quality."""
    return mixed(calls.log, _flat(calls, rng), _hit(calls, rng))


def confident(calls: Calls, rng: Generator) -> Log:
    """Return the calls with a share of the inputs confidently wrong, at unchanged quality."""
    return mixed(calls.log, _wrong(calls, rng), _hit(calls, rng))


def confident_and_seen(calls: Calls, rng: Generator) -> Log:
    """Return the calls with a share confidently wrong, of the quality that the degraded input really has."""
    if calls.worse is None:
        raise InputError("these calls were not recorded with degraded inputs")
    wrong = replace(_wrong(calls, rng), quality=np.minimum(calls.worse.quality, calls.log.evidence.quality))
    return mixed(calls.log, wrong, _hit(calls, rng))


def swapped(calls: Calls, rng: Generator) -> Log:
    """Return the calls with one modality of each showing somebody who feels something else."""
    if calls.other is None:
        raise InputError("these calls were made without items of another label")
    return mixed(calls.log, calls.other, _one_of_each_call(calls))


def frozen(calls: Calls, rng: Generator) -> Log:
    """Return the calls with one modality of each standing still for ``HELD`` windows at a time."""
    place = _place(calls)
    return mixed(
        calls.log,
        taken(calls.log.evidence, np.arange(len(calls)) - place % HELD),
        _one_of_each_call(calls),
    )


def delayed(calls: Calls, rng: Generator) -> Log:
    """Return the calls with one modality of each late by ``LATE`` windows; before that it is missing."""
    place = _place(calls)
    earlier = taken(calls.log.evidence, np.arange(len(calls)) - np.minimum(place, LATE))
    there = earlier.present & (place >= LATE)[:, None]
    return mixed(calls.log, replace(earlier, present=there), _one_of_each_call(calls))


def subsets() -> Iterator[tuple[int, ...]]:
    """Yield every set of modalities but the empty and the whole one."""
    for size in range(1, len(MODALITIES)):
        yield from combinations(range(len(MODALITIES)), size)


def conditions(calls: Calls) -> list[Condition]:
    """Return every condition that ``calls`` can be put under, "clean" first."""
    return [c for c in CONDITIONS if not c.needs or getattr(calls, c.needs) is not None]


def corrupted(calls: Calls, rng: Generator, hit: float = TAUGHT) -> Log:
    """Return the calls twice, once as they are, once with a share ``hit`` of all inputs failing.

    Each input that is hit is degraded, quiet, confidently wrong, the same with the quality of a degraded
    input, from a person who feels something else, or missing, in equal shares. Gates can only learn what
    fails from data in which something does.
    """
    failures = [_flat(calls, rng), _wrong(calls, rng)]
    if calls.worse is not None:
        low = np.minimum(calls.worse.quality, calls.log.evidence.quality)
        failures += [calls.worse, replace(_wrong(calls, rng), quality=low)]
    if calls.other is not None:
        failures.append(calls.other)
    shape = calls.log.evidence.present.shape
    kind = np.where(rng.random(shape) < hit, rng.integers(0, len(failures) + 1, shape), -1)
    log = calls.log
    for number, failure in enumerate(failures):
        log = mixed(log, failure, kind == number)
    e = log.evidence
    there = e.present & (kind != len(failures))
    there[~there.any(axis=1)] = e.present[~there.any(axis=1)]
    return chained([calls.log, replace(log, evidence=replace(e, present=there))])


def mixed(log: Log, instead: Evidence, where: Flags) -> Log:
    """Return ``log`` with the modalities ``where`` (windows, modalities) as in ``instead``."""
    e = log.evidence
    embeddings = tuple(
        None if a is None or b is None else np.where(where[:, m, None], b, a)
        for m, (a, b) in enumerate(zip(e.embeddings, instead.embeddings, strict=True))
    )
    evidence = Evidence(
        np.where(where[:, :, None], instead.p, e.p),
        np.where(where, instead.present, e.present),
        np.where(where, instead.quality, e.quality),
        np.where(where, instead.trust, e.trust),
        embeddings,
    )
    return replace(log, evidence=evidence)


def _flat(calls: Calls, rng: Generator) -> Evidence:
    """Return evidence in which every input says next to nothing; its embedding is the mean one."""
    e = calls.log.evidence
    p = np.exp(NEAR_FLAT * rng.normal(size=e.p.shape))
    middle = (None if x is None else np.broadcast_to(x.mean(axis=0), x.shape) for x in e.embeddings)
    return replace(e, p=p / p.sum(axis=2, keepdims=True), embeddings=tuple(middle))


def _wrong(calls: Calls, rng: Generator) -> Evidence:
    """Return evidence in which every input is sure of a wrong class; its embedding is of another emotion.

    How sure, and how the rest is spread, is drawn anew each time: a fixed pattern would give it away.
    """
    e, labels = calls.log.evidence, calls.log.labels
    said = (labels[:, None] + rng.integers(1, N_EMOTIONS, e.present.shape)) % N_EMOTIONS
    top = np.arange(N_EMOTIONS) == said[:, :, None]  # (windows, modalities, 7)
    rest = np.where(top, 0.0, rng.standard_exponential(e.p.shape))
    sure = rng.uniform(*SURE, e.present.shape)[:, :, None]
    p = np.where(top, sure, (1 - sure) * rest / rest.sum(axis=2, keepdims=True))
    embeddings = e.embeddings if calls.other is None else calls.other.embeddings
    return replace(e, p=p, embeddings=embeddings)


def _hit(calls: Calls, rng: Generator) -> Flags:
    hit: Flags = rng.random(calls.log.evidence.present.shape) < HIT
    return hit


def _all(calls: Calls) -> Flags:
    return np.ones(calls.log.evidence.present.shape, np.bool_)


def _one_of_each_call(calls: Calls) -> Flags:
    """Return flags (windows, modalities) of the modality that is hit in each call, in turn."""
    number = np.unique(calls.call, return_inverse=True)[1]
    flags: Flags = number[:, None] % len(MODALITIES) == np.arange(len(MODALITIES))
    return flags


def _place(calls: Calls) -> Indices:
    """Return the place of every window in its call, from 0."""
    begins = np.flatnonzero(np.diff(calls.call, prepend=calls.call[:1] - 1))
    return np.arange(len(calls)) - np.repeat(begins, np.diff(begins, append=len(calls)))


def _missing(kept: tuple[int, ...]) -> Condition:
    names = " and ".join(MODALITIES[m] for m in kept)
    return Condition(
        f"only {names}", f"{names} there, the others missing", lambda calls, _: only(calls, kept)
    )


def _noisy(m: int, what: str) -> Condition:
    return Condition(f"bad {MODALITIES[m]}", what, lambda calls, rng: noise(calls, rng, (m,)), "worse")


CONDITIONS = (
    Condition("clean", "as recorded", clean),
    *(_missing(kept) for kept in subsets()),
    Condition("quiet failure", f"{HIT * 100:.0f} % of each modality's inputs say next to nothing", quiet),
    Condition(
        "confident failure",
        f"{HIT * 100:.0f} % of them are sure of a wrong class; quality unchanged",
        confident,
    ),
    Condition(
        "confident, seen", "the same with the quality of a degraded input", confident_and_seen, "worse"
    ),
    _noisy(0, "every face blurred, dark, covered or small; recorded"),
    _noisy(1, "every voice by telephone, in noise or with lost packets; recorded"),
    _noisy(2, "every text misheard or cut short; recorded"),
    Condition("all bad", "all three degraded; recorded", noise, "worse"),
    Condition("swapped person", "one modality of each call shows somebody else's emotion", swapped, "other"),
    Condition("frozen", f"one modality of each call stands still for {HELD} windows", frozen),
    Condition("delayed", f"one modality of each call is {LATE} windows late", delayed),
)
