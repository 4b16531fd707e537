"""Fused windows as the rows of responses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from affectstream.analytics import rows
from affectstream.analytics.label import DisplayedLabel
from affectstream.analytics.need import need, valence
from affectstream.dashboards.responses import AlertRow, Latest, ModalityWindow, PartyRow, Window
from affectstream.schemas.alert import Alert
from affectstream.schemas.messages import FusedEmotion, ModalityState, Party


def window(fused: FusedEmotion, displayed: DisplayedLabel) -> Window:
    """Return the fused probabilities and measures of a window."""
    return Window(**_window(fused, displayed))


def latest(fused: FusedEmotion, displayed: DisplayedLabel) -> Latest:
    """Return the newest window, and whether it may still be revised."""
    return Latest(
        session=fused.session_id,
        party=fused.party,
        pane=fused.pane,
        rule=fused.rule,
        **_window(fused, displayed),
    )


def modalities(fused: FusedEmotion) -> Any:
    """Return the ModalityWindow of a window; modalities that are not part of the call stay null."""
    statuses = {f"{state.modality}_status": _status(state) for state in fused.modalities}
    return ModalityWindow(start_ms=fused.start_ms, end_ms=fused.end_ms, **rows.modalities(fused), **statuses)


def event(fused: FusedEmotion, displayed: DisplayedLabel) -> rows.Row:
    """Return a window with all its columns, as an event holds it; only modalities of this call."""
    statuses = {f"{state.modality}_status": _status(state) for state in fused.modalities}
    return {**rows.flat(fused, displayed), "pane": fused.pane, **statuses}


@dataclass(frozen=True)
class Newest:
    """What a row shows of a party's newest pane."""

    start_ms: int
    end_ms: int
    p: tuple[float, ...] | None  # with what is usual of the voice taken off
    columns: rows.Row  # of `analytics.rows.WINDOW`


def newest(pane: FusedEmotion, displayed: DisplayedLabel, p: tuple[float, ...] | None) -> Newest:
    """Return what a row shows of a pane, given its probabilities against the party's usual voice."""
    return Newest(pane.start_ms, pane.end_ms, p, rows.window(pane, displayed))


def party(
    session: str, name: Party, ends: tuple[int, int], newest: Newest, alerts: Sequence[Alert], ended: bool
) -> PartyRow:
    """Return a party's row from the ends of its first and last final, its newest pane and active alerts."""
    first_end, last_end = ends
    start = first_end - (newest.end_ms - newest.start_ms)
    return PartyRow(
        session=session,
        party=name,
        start_ms=start,
        end_ms=last_end,
        duration_ms=last_end - start,
        **newest.columns,
        valence=valence(newest.p),
        state="ended" if ended else "live",
        alerts=len(alerts),
        alert=alerts[-1].text if alerts else None,
        need=0.0 if ended else need(newest.p, newest.columns["disagreement"], newest.end_ms, alerts),
    )


def alert(found: Alert) -> AlertRow:
    """Return an alert as a row."""
    return AlertRow(**found.model_dump(exclude={"type", "session_id"}), session=found.session_id)


def _window(fused: FusedEmotion, displayed: DisplayedLabel) -> rows.Row:
    return {
        "start_ms": fused.start_ms,
        "end_ms": fused.end_ms,
        **rows.window(fused, displayed),
        **rows.probabilities(fused.p),
    }


def _status(state: ModalityState) -> str:
    return state.state if state.p is not None else state.reason or state.state
