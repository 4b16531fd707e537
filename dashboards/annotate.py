"""A call's turns, alerts, turning points and contradictions as annotations in a Grafana."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from affectstream.analytics.records import Summary
from affectstream.analytics.turns import Turn
from affectstream.dashboards.connection import connected
from affectstream.dashboards.grafana import style
from affectstream.dashboards.marks import marks
from affectstream.schemas.alert import Alert

NEEDS = "a service account token with the role Editor (annotations are written)"
TAG = "affectstream"
MOST = 10_000  # that are looked for; a call of six hours has fewer


@dataclass(frozen=True)
class Annotation:
    """What an annotation says, and of what kind it is."""

    kind: str
    start_ms: int
    end_ms: int
    text: str


def annotations(turns: Sequence[Turn], summary: Summary, alerts: Sequence[Alert]) -> list[Annotation]:
    """Return the annotations of a call; no words of a transcript are among them."""
    of_turns = (_turn(turn) for turn in turns)
    of_marks = (
        Annotation(mark.kind, mark.start_ms, mark.end_ms, mark.text) for mark in marks(summary, alerts)
    )
    return sorted((*of_turns, *of_marks), key=lambda each: (each.start_ms, each.kind, each.text))


def annotate(url: str, token: str, session: str, wanted: Sequence[Annotation]) -> int:
    """Put the annotations of a session in the place of those that it has; return how many it had.

    They belong to the dashboard *Call timeline*. Raises as `connected` does.
    """
    tags = [TAG, f"call:{session}"]
    with connected(url, token, NEEDS) as grafana:
        before = [
            each["id"]
            for each in grafana.annotations.find_annotations(tags=tags, limit=MOST)
            if set(tags) <= set(each.get("tags", ()))
        ]
        for each in wanted:
            grafana.annotations.add_annotation(
                dashboard_uid=style.UID,
                time_from=each.start_ms,
                time_to=each.end_ms,
                tags=[*tags, each.kind],
                text=each.text,
            )
        for number in before:
            grafana.annotations.delete_annotations_by_id(number)
        return len(before)


def _turn(turn: Turn) -> Annotation:
    return Annotation("turn", turn.start_ms, turn.end_ms, f"{turn.party}: {' '.join(_read(turn))}")


def _read(turn: Turn) -> Iterator[str]:
    if turn.label is None:
        yield "nothing to read"
        return
    yield f"{turn.label} ({turn.confidence:.2f})"
    by = {"face": turn.face, "voice": turn.voice, "words": turn.words}
    yield ", ".join(f"{name} {label}" for name, label in by.items() if label)
