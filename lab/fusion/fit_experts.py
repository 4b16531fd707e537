"""Fitted parameters of each modality: temperature, reference trust, discount."""

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from affectstream.lab.fusion.windows import Indices, Log
from affectstream.models.fusion.dempster import among, certainty, combined
from affectstream.models.fusion.evidence import Array, logs, shares, softmax
from affectstream.models.fusion.parameters import Expert
from affectstream.schemas.messages import MODALITIES, Modality

TEMPERATURES = (0.1, 10.0)  # searched
DISCOUNTS = (0.02, 0.98)  # within which a modality is believed
TINY = 1e-12
DIGITS = 6


def experts(log: Log) -> dict[Modality, Expert]:
    """Return every modality's expert; its discount is still its accuracy."""
    return {modality: _expert(log, i) for i, modality in enumerate(MODALITIES)}


def cooling(p: Array, labels: Indices, degree: Array | None = None) -> float:
    """Return the T whose p^(1/T^degree), made to sum to one, has the least negative log likelihood."""
    log_p = np.log(np.maximum(p, TINY))
    degrees = np.ones(len(p)) if degree is None else degree
    rows = np.arange(len(labels))

    def nll(log_t: float) -> float:
        said = softmax(log_p * np.exp(-log_t * degrees)[:, None])
        return float(-np.log(np.maximum(said[rows, labels], TINY)).mean()) + 0.5 * log_t**2 / len(labels)

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(nll, bounds=(low, high), method="bounded", options={"xatol": 1e-5})
    return round(float(np.exp(found.x)), DIGITS)


def discounts(views: Log, say: Array, temperatures: Array, usual: Array) -> list[float]:
    """Return how far Dempster's rule should believe each modality, by the likelihood of its pools."""
    rows = np.arange(len(views.labels))
    own = among(views.evidence, temperatures, usual)
    sure = certainty(views.evidence, own, usual)

    def nll(guess: Array) -> float:
        belief = guess * sure
        p = combined(own, belief, shares(views.evidence, belief))
        return float(-(say * np.log(np.maximum(p[rows, views.labels], TINY))).sum() / say.sum())

    start = np.full(len(MODALITIES), 0.7)
    bounds = [DISCOUNTS] * len(MODALITIES)
    found = minimize(nll, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-7})
    return [round(float(x), DIGITS) for x in found.x]


def _expert(log: Log, index: int) -> Expert:
    present = log.evidence.present[:, index]
    p, labels = log.evidence.p[present, index], log.labels[present]
    temperature = cooling(np.exp(logs(p)), labels)
    said = p.argmax(axis=1)
    accuracy = round(float((said == labels).mean()), DIGITS)
    return Expert(
        temperature=temperature,
        trust=round(float(np.clip(log.evidence.trust[present, index].mean(), 0.01, 1.0)), DIGITS),
        accuracy=accuracy,
        windows=int(present.sum()),
        discount=accuracy,
    )
