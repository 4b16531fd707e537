"""A final window as a line that a person or a program reads: JSON Lines or CSV."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from affectstream.schemas.conflict import conflict
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import MODALITIES, FusedEmotion, ModalityState

Format = Literal["jsonl", "csv"]
Row = dict[str, Any]


def row(fused: FusedEmotion) -> Row:
    """Return the nested row of one window; the keys and their order never vary."""
    return {
        "session": fused.session_id,
        "party": fused.party,
        "start_ms": fused.start_ms,
        "end_ms": fused.end_ms,
        "label": fused.label,
        "shown": fused.shown,
        "confidence": fused.confidence,
        "uncertainty": fused.uncertainty,
        "disagreement": fused.disagreement,
        "conflict": conflict(fused),
        "probabilities": _named(fused.p),
        "modalities": {state.modality: _state(state) for state in fused.modalities},
        "rule": fused.rule,
    }


def _named(p: tuple[float, ...] | None) -> dict[str, float] | None:
    return dict(zip(EMOTIONS, p, strict=True)) if p else None


def _state(state: ModalityState) -> Row:
    return {
        "state": state.state,
        "reason": state.reason,
        "weight": state.weight,
        "trust": state.trust,
        "agreement": state.agreement,
        "age_ms": state.age_ms,
        "quality": state.quality,
        "count": state.count,
        "model": state.model_id,
        "probabilities": _named(state.p),
    }


def json_line(fused: FusedEmotion) -> str:
    """Return the row as one line of JSON; equal windows give equal bytes."""
    return json.dumps(row(fused), separators=(",", ":"), ensure_ascii=False) + "\n"


PLAIN = (
    "session",
    "party",
    "start_ms",
    "end_ms",
    "label",
    "shown",
    "confidence",
    "uncertainty",
    "disagreement",
    "conflict",
    "rule",
)
PER_MODALITY = ("state", "reason", "weight", "trust", "agreement", "age_ms", "quality", "count", "model")
COLUMNS = (
    *PLAIN,
    *EMOTIONS,
    *(f"{m}_{name}" for m in MODALITIES for name in (*PER_MODALITY, *EMOTIONS)),
)


def flat(fused: FusedEmotion) -> Row:
    """Return the row with one value per column of ``COLUMNS``; what is not there is empty."""
    nested = row(fused)
    cells = {name: nested[name] for name in PLAIN} | (nested["probabilities"] or {})
    for modality, state in nested["modalities"].items():
        cells |= {f"{modality}_{name}": state[name] for name in PER_MODALITY}
        cells |= {f"{modality}_{name}": value for name, value in (state["probabilities"] or {}).items()}
    return cells


def in_order(windows: Iterable[FusedEmotion]) -> list[FusedEmotion]:
    """Return windows by time, then party: the order in which files and comparisons have them."""
    return sorted(windows, key=lambda w: (w.end_ms, w.party))


def write(windows: Iterable[FusedEmotion], path: Path) -> None:
    """Write windows to a file whose ending says JSON Lines or CSV; raises InputError."""
    kind = _kind(path)
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            if kind == "jsonl":
                file.writelines(map(json_line, windows))
                return
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(map(flat, windows))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _kind(path: Path) -> Format:
    kinds: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
    if path.suffix.lower() not in kinds:
        raise InputError(f"{path.name}: name the output .jsonl or .csv")
    return kinds[path.suffix.lower()]
