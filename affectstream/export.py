"""Final windows and reports as files: JSON Lines and CSV, and back; a session's report as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from affectstream.analytics.alerts import alerts
from affectstream.analytics.label import Display, display_as
from affectstream.analytics.lines import lines, table
from affectstream.analytics.records import Summary
from affectstream.analytics.rules import read as read_rules
from affectstream.analytics.summary import summarise
from affectstream.analytics.turns import Conversation, Words, conversation
from affectstream.runtime.settings import Settings
from affectstream.schemas.alert import Alert
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion

Format = Literal["jsonl", "csv"]
Row = dict[str, Any]


def display_of(settings: Settings) -> Display:
    """Return when a label is displayed, from the settings and the fitted file; raises SettingsError."""
    return display_as(settings.label.model_dump(), settings.fusion.fitted)


def in_order(windows: Iterable[FusedEmotion]) -> list[FusedEmotion]:
    """Return windows by time, then party: the order in which files and comparisons have them."""
    return sorted(windows, key=lambda w: (w.end_ms, w.party))


def write(windows: Sequence[FusedEmotion], path: Path, display: Display) -> None:
    """Write windows to a file whose ending says JSON Lines or CSV; raises InputError."""
    kind = kind_of(path)
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines((lines if kind == "jsonl" else table)(windows, display))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def check_file(path: Path) -> None:
    """Raise InputError where no file of that name can be written; one that is there is kept as it is."""
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}")
    try:
        if path.is_dir():
            raise InputError(f"cannot write {path}: it is a folder")
        new = not path.exists()
        if new or path.is_file():  # a pipe would wait for its reader
            with path.open("a"):
                pass
        if new:
            path.unlink()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def kind_of(path: Path) -> Format:
    """Return the format that the ending of a file names; raises InputError."""
    kinds: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
    if path.suffix.lower() not in kinds:
        raise InputError(f"{path.name}: name the output .jsonl or .csv")
    return kinds[path.suffix.lower()]


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


@dataclass(frozen=True)
class Report:
    """A session's summary, the alerts that its windows raise, and the terms of the models behind it."""

    summary: Summary
    alerts: Sequence[Alert]
    licence: str = ""
    talk: Conversation | None = None

    def json(self) -> str:
        """Return the report as indented JSON; equal windows and rules give equal bytes."""
        raised = [alert.model_dump(mode="json", exclude={"type"}) for alert in self.alerts]
        whole = self.summary.model_dump(mode="json") | {"alerts": raised, "licence": self.licence}
        if self.talk is not None:
            whole |= self.talk.model_dump(mode="json", include={"silence", "talk"})
        return json.dumps(whole, indent=2) + "\n"


def report(finals: Sequence[FusedEmotion], settings: Settings, words: Sequence[Words] = ()) -> Report:
    """Return the report on a session; raises SettingsError for bad rules, InputError without a window."""
    from affectstream.lab.licences import notice

    rules = read_rules(settings.alerts.rules) if settings.alerts.enabled else ()
    models = {state.model_id for final in finals for state in final.modalities if state.model_id}
    display = display_of(settings)
    talk = conversation(finals, display, words)
    return Report(summarise(finals, display), alerts(rules, finals), notice(models), talk)


def write_report(made: Report, path: Path) -> None:
    """Write a report as JSON; raises InputError."""
    try:
        path.write_text(made.json(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
