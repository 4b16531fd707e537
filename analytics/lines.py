"""Final windows as lines of text, JSON Lines and CSV: the same bytes from a file and from the API."""

import csv
import io
import json
from collections.abc import Iterable, Iterator

from affectstream.analytics import rows
from affectstream.analytics.label import Display, DisplayedLabel, labels
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import MODALITIES, FusedEmotion

COLUMNS = (
    *("session", "party", "start_ms", "end_ms", *rows.WINDOW, "rule"),
    *EMOTIONS,
    *(f"{m}_{name}" for m in MODALITIES for name in (*rows.MODALITY, *EMOTIONS)),
)


def row(fused: FusedEmotion, displayed: DisplayedLabel) -> rows.Row:
    """Return the nested row of one window; the keys and their order never vary."""
    return {
        "session": fused.session_id,
        "party": fused.party,
        "start_ms": fused.start_ms,
        "end_ms": fused.end_ms,
        **rows.window(fused, displayed),
        "probabilities": _named(fused.p),
        "modalities": {
            s.modality: rows.modality(s) | {"probabilities": _named(s.p)} for s in fused.modalities
        },
        "rule": fused.rule,
    }


def _named(p: tuple[float, ...] | None) -> rows.Row | None:
    return rows.probabilities(p) if p else None


def lines(windows: Iterable[FusedEmotion], display: Display) -> Iterator[str]:
    """Yield the rows of windows in their order as lines of JSON; equal windows give equal bytes."""
    windows = list(windows)
    for fused, displayed in zip(windows, labels(display, windows), strict=True):
        yield json.dumps(row(fused, displayed), separators=(",", ":"), ensure_ascii=False) + "\n"


def table(windows: Iterable[FusedEmotion], display: Display) -> Iterator[str]:
    """Yield the header of `COLUMNS`, and the windows in their order as lines of CSV."""
    windows = list(windows)
    line = io.StringIO(newline="")
    writer = csv.DictWriter(line, COLUMNS)
    writer.writeheader()
    yield _taken(line)
    for fused, displayed in zip(windows, labels(display, windows), strict=True):
        writer.writerow(rows.flat(fused, displayed))
        yield _taken(line)


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text
