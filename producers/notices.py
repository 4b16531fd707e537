"""Notices: what was repaired, left out or chosen in an input, in a sentence for the user, once each."""

from functools import lru_cache
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


@lru_cache(maxsize=10_000)
def notice(path: Path, text: str) -> None:
    """Log as a warning what was done about a file; a file that is read again says nothing again.

    ``text`` holds counts and times, never words of a transcript.
    """
    log.warning("input", file=path.name, notice=text)
