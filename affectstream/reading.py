"""Final windows back from the lines that `analyze -o` wrote."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion

Row = dict[str, Any]


def read(path: Path) -> list[FusedEmotion]:
    """Return the windows of a JSON Lines file; raises InputError that names the first bad line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(f"cannot read {path}: {why}") from None
    windows = [_window(line, f"{path}, line {n}") for n, line in enumerate(text.splitlines(), 1) if line]
    if len({window.session_id for window in windows}) > 1:
        raise InputError(f"{path} holds more than one session")
    if not windows:
        raise InputError(f"{path} holds no window")
    return windows


def _window(line: str, where: str) -> FusedEmotion:
    try:
        row: Row = json.loads(line)
        states = [
            state | {"mod": modality, "p": _vector(state["probabilities"])}
            for modality, state in row["modalities"].items()
        ]
        fused = row | {
            "sid": row["session"],
            "start": row["start_ms"],
            "end": row["end_ms"],
            "pane": "final",
            "p": _vector(row["probabilities"]),
            "mods": states,
        }
        return FusedEmotion.model_validate_json(json.dumps(fused))
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        raise InputError(f"{where}: not a window as `affectstream analyze -o FILE.jsonl` writes it") from None


def _vector(named: dict[str, float] | None) -> list[float] | None:
    return None if named is None else [named[name] for name in EMOTIONS]
