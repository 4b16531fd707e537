"""How much a party of a call needs a supervisor now, as one number, and the valence of its emotions."""

from collections.abc import Sequence

from affectstream.schemas.alert import Alert
from affectstream.schemas.labels import INDEX

DECIMALS = 4
ALERTS, ANGER, DISAGREEMENT, RECENCY = 0.4, 0.3, 0.1, 0.2  # what the parts of the need weigh
RECENT_MS = 120_000  # after which an alert that goes on is no news
UNPLEASANT = ("sad", "angry", "fear", "disgust")


def need(p: Sequence[float] | None, disagreement: float, end_ms: int, alerts: Sequence[Alert]) -> float:
    """Return the need in [0, 1] from a party's newest window and the begins of its active alerts.

    need = 0.4 (1 - 2^-n) + 0.3 (p(angry) + p(disgust)) + 0.1 disagreement + 0.2 r, where n is the number of
    active alerts and r falls from 1, when the newest of them began, to 0 two minutes later. A window without
    evidence (``p`` None) has no anger.
    """
    anger = 0.0 if p is None else p[INDEX["angry"]] + p[INDEX["disgust"]]
    began_ms = max((alert.end_ms for alert in alerts), default=end_ms - RECENT_MS)
    recency = min(1.0, max(0.0, 1.0 - (end_ms - began_ms) / RECENT_MS))
    of_alerts = ALERTS * (1.0 - 0.5 ** len(alerts)) + RECENCY * recency
    return round(of_alerts + ANGER * anger + DISAGREEMENT * disagreement, DECIMALS)


def valence(p: Sequence[float] | None) -> float | None:
    """Return p(happy) - p(sad) - p(angry) - p(fear) - p(disgust), in [-1, 1]; None without evidence.

    Neutral and surprise count as neither pleasant nor unpleasant.
    """
    if p is None:
        return None
    return round(p[INDEX["happy"]] - sum(p[INDEX[name]] for name in UNPLEASANT), DECIMALS)


def active(alerts: Sequence[Alert]) -> list[Alert]:
    """Return the begins of the alerts that have not ended, the oldest first."""
    over = {alert.alert_id for alert in alerts if alert.edge == "end"}
    begins = (alert for alert in alerts if alert.edge == "begin" and alert.alert_id not in over)
    return sorted(begins, key=lambda alert: (alert.end_ms, alert.alert_id))
