"""The regressions of stacking, one per set of modalities, shrunk to the learned log pool."""

from itertools import combinations

import numpy as np
from scipy.optimize import minimize

from affectstream.lab.fusion.windows import Log
from affectstream.models.fusion.evidence import Array, Evidence, shares, softmax
from affectstream.models.fusion.parameters import LogPool, Stack, pattern
from affectstream.models.fusion.pools import effective_modalities, relative_trust, softplus, tempered
from affectstream.models.fusion.stacking import centred
from affectstream.schemas.labels import N_EMOTIONS
from affectstream.schemas.messages import MODALITIES, Modality

LEAST_WINDOWS = 100
PENALTY = 30.0  # a unit of a coefficient weighs like so many windows
DIGITS = 6


def fit_stacks(log: Log, temperatures: Array, usual: Array, learned: LogPool) -> dict[str, Stack]:
    """Return a regression for every set of two or three that enough windows have."""
    stacks: dict[str, Stack] = {}
    for size in range(2, len(MODALITIES) + 1):
        for members in combinations(MODALITIES, size):
            columns = [MODALITIES.index(m) for m in members]
            rows = np.flatnonzero(log.evidence.present[:, columns].all(axis=1))
            if len(rows) >= LEAST_WINDOWS:
                part = log.rows(rows)
                x = _inputs(part.evidence, columns, temperatures, usual)
                stacks[pattern(members)] = _stack(x, part.labels, members, learned)
    return stacks


def _inputs(evidence: Evidence, columns: list[int], temperatures: Array, usual: Array) -> Array:
    """Return (windows, members x 7): centred logs times relative trust, as if only the members were there."""
    only = np.zeros_like(evidence.present)
    only[:, columns] = True
    members = Evidence(evidence.p, only, evidence.quality, evidence.trust)
    say = relative_trust(members, usual)
    blend = effective_modalities(shares(members, say))[:, None]
    x = centred(tempered(evidence.p, temperatures, blend)) * say[:, :, None]
    inputs: Array = x[:, columns].reshape(len(x), -1)
    return inputs


def _stack(x: Array, labels: np.ndarray, members: tuple[Modality, ...], learned: LogPool) -> Stack:
    truth = np.eye(N_EMOTIONS)[labels]
    start = np.concatenate(
        [*(np.eye(N_EMOTIONS) * softplus(np.array(learned.gates[m].a)) for m in members), np.zeros((1, 7))]
    )  # (members x 7 + 1, 7 out)

    def loss(free: Array) -> tuple[float, Array]:
        both = free.reshape(start.shape)
        p = softmax(x @ both[:-1] + both[-1])
        nll = -np.log(np.maximum((p * truth).sum(axis=1), 1e-300)).mean()
        error = (p - truth) / len(x)
        away, strength = both - start, PENALTY / len(x)
        gradient = np.concatenate([x.T @ error, error.sum(axis=0, keepdims=True)]) + strength * away
        return float(nll + 0.5 * strength * (away * away).sum()), gradient.ravel()

    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-8})
    both = np.round(found.x.reshape(start.shape), DIGITS)
    squares = both[:-1].reshape(len(members), N_EMOTIONS, N_EMOTIONS).transpose(0, 2, 1)  # (m, out, in)
    weights = {m: tuple(map(tuple, squares[i].tolist())) for i, m in enumerate(members)}
    return Stack(weights=weights, bias=tuple(both[-1].tolist()))
