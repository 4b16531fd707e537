"""`affectstream summary`: a session from Redis, or the windows of a file."""

from pathlib import Path

from rich.console import Console

from affectstream import reading
from affectstream import sessions as stored
from affectstream.runtime.settings import load
from affectstream.schemas.messages import FusedEmotion
from affectstream.summary import report, shown

ENDINGS = (".jsonl", ".ndjson")


def run(what: str, as_json: bool, console: Console) -> None:
    """Print the summary of a session id, or of a file that `analyze -o` or `show -o` wrote."""
    windows = _windows(what)
    made = report(windows, load().alerts)
    if as_json:
        print(made.json(), end="")
    else:
        console.print(shown(made, windows[0].session_id))


def _windows(what: str) -> list[FusedEmotion]:
    path = Path(what)
    return reading.read(path) if path.suffix.lower() in ENDINGS else stored.windows(what)
