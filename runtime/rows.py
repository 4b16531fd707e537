"""A fused window as the fields of a Redis entry, and back."""

import json
from collections.abc import Mapping

from pydantic import ValidationError

from affectstream.schemas.conflict import conflict
from affectstream.schemas.errors import Malformed
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import Alert, FusedEmotion

Fields = dict[str, str]


def fields(pane: FusedEmotion) -> Fields:
    """Return the fields of ``pane``: always the same ones, numbers as text, empty where there is none.

    ``detail`` is the whole message as canonical JSON, so that equal panes are equal bytes.
    """
    p = pane.p if pane.p is not None else ("",) * len(EMOTIONS)
    return {
        **{name: str(value) for name, value in zip(EMOTIONS, p, strict=True)},
        "label": pane.label or "",
        "shown": pane.shown or "",
        "confidence": str(pane.confidence),
        "uncertainty": str(pane.uncertainty),
        "disagreement": str(pane.disagreement),
        "conflict": conflict(pane) or "",
        "detail": canonical(pane),
    }


def latest_fields(pane: FusedEmotion) -> Fields:
    """Return the fields of the newest pane: those of an entry, and which window it is."""
    return {
        **fields(pane),
        "pane": pane.pane,
        "start_ms": str(pane.start_ms),
        "end_ms": str(pane.end_ms),
    }


def canonical(message: FusedEmotion | Alert) -> str:
    """Return a message as JSON with sorted keys and no blanks, floats to the last bit."""
    return json.dumps(
        message.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def pane(entry: Mapping[str, str]) -> FusedEmotion:
    """Return the pane of an entry; raises Malformed."""
    try:
        return FusedEmotion.model_validate_json(entry["detail"])
    except (KeyError, ValidationError):
        raise Malformed("an entry in Redis is not a fused window of this version") from None


def alert_field(alert: Alert) -> str:
    """Return the field of an alert in its session's hash: an alert that is written again is the same one."""
    return f"{alert.alert_id}/{alert.edge}"


def alert(text: str) -> Alert:
    """Return the alert of a field; raises Malformed."""
    try:
        return Alert.model_validate_json(text)
    except ValidationError:
        raise Malformed("an entry in Redis is not an alert of this version") from None
