"""E-mail addresses in a text, as they are written and as they are spoken: ``jane at example dot com``."""

import re
from collections.abc import Iterator

from affectstream.schemas.spoken_numbers import TEENS, TENS, UNITS

_DOT = r"(?:\.|\s+(?:dot|point)\s+)"
_JOIN = r"(?:\.|\s+(?:dot|point|underscore|dash|hyphen|minus|plus)\s+)"
_WORD = r"[\w+'-]{1,64}"
_ENDING = (
    r"(?:[a-z]{2}|com|net|org|edu|gov|mil|info|biz|name|email|online|shop|store|site|app|dev|cloud)(?![\w-])"
)
_DOMAIN = rf"[\w-]{{1,63}}(?:{_JOIN}[\w-]{{1,63}}){{0,4}}"
_ADDRESS = re.compile(
    rf"(?<![\w.+'-]){_WORD}(?:{_JOIN}{_WORD}){{0,8}}"
    rf"(?:\s?@\s?{_DOMAIN}{_DOT}[^\W\d_]{{2,24}}(?![\w-])|\s+at\s+{_DOMAIN}{_DOT}{_ENDING})"
    rf"(?:{_DOT}[a-z]{{2}}(?![\w-]))?",
    re.IGNORECASE,
)
_LETTER = "|".join([r"\w|\d{1,4}|dot|point|underscore|dash|hyphen", *UNITS, *TEENS, *TENS])
_SPELLED = re.compile(
    rf"(?:(?<![\w'])(?:{_LETTER})[\s-]+){{1,40}}$",
    re.IGNORECASE,
)
_LONGEST = 200  # characters before the last part of a spelled name


def find(text: str) -> Iterator[tuple[int, int]]:
    """Yield where addresses begin and end, with the letters of a name that is spelled out before it."""
    if "@" not in text and " at " not in text.lower():
        return
    reached = 0
    for match in _ADDRESS.finditer(text):
        before = text[max(reached, match.start() - _LONGEST) : match.start()]
        spelled = _SPELLED.search(before)
        start = match.start() - (len(before) - spelled.start() if spelled else 0)
        reached = match.end()
        yield start, reached
