"""Dates in a text, and which of them are dates of birth.

A complete date whose year a caller may be born in is one; any other date is one where the words near it name
a birth. So a date of an order or an appointment of recent years stays.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from affectstream.schemas.spoken_numbers import TEENS, TENS, UNITS, digits_of

YEARS = range(1900, 2016)  # in which a caller may be born, where nothing near the date names a birth
SHORT_YEARS = range(30, 100)
BEFORE, AFTER = 48, 24  # characters around a date in which a birth may be named

_BIRTH = re.compile(r"\b(?:born|birth(?:day|date)?|d\.?o\.?b)\b", re.IGNORECASE)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ORDINAL = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth"
    "|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
)
_UNIT = "|".join(word for word in UNITS if len(word) > 1)
_TWO = rf"(?:{'|'.join(TEENS)}|(?:{'|'.join(TENS)})(?:[\s-]+(?:{_UNIT}))?|oh[\s-]+(?:{_UNIT}))"
_DAY = (
    rf"(?:the\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?(?!\d)|(?:(?:twenty|thirty)[\s-]+)?(?:{_ORDINAL})"
    rf"|{_TWO}|(?:{_UNIT}))"
)
_YEAR = (
    rf"(?:\d{{4}}(?!\d)|(?P<spoken>(?:nineteen|twenty)[\s-]+{_TWO}"
    rf"|two\s+thousand(?:\s+(?:and\s+)?(?:{_TWO}|{_UNIT}))?))"
)
_NAMED = re.compile(
    rf"(?<!\w)(?:{_DAY}\s+(?:of\s+)?{_MONTH}|{_MONTH}\s+{_DAY})(?:,?\s+(?:in\s+)?(?P<year>{_YEAR}))?(?!\w)",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"(?<![\d.,/-])(?:(?P<y>\d{4})(?P<s>[./-])(?P<b>\d{1,2})(?P=s)(?P<a>\d{1,2})"
    r"|(?P<d>\d{1,2})(?P<t>\s?[./-]\s?)(?P<m>\d{1,2})(?P=t)(?P<z>\d{4}|\d{2}))(?![\d/-])"
)


@dataclass(frozen=True)
class Date:
    """Where a date stands in a text."""

    start: int
    end: int
    of_birth: bool


def find(text: str) -> Iterator[Date]:
    """Yield the dates of a text, numeric ones first; a day and month alone only where a birth is named."""
    numeric = [_numeric(text, match) for match in _NUMERIC.finditer(text)]
    yield from (date for date in numeric if date is not None)
    for match in _NAMED.finditer(text):
        near = near_birth(text, *match.span())
        if match["year"] or near:
            yield Date(*match.span(), near or _may_be_born(match))


def near_birth(text: str, start: int, end: int) -> bool:
    """Say whether the words around name a birth."""
    around = text[max(0, start - BEFORE) : start], text[end : end + AFTER]
    return any(_BIRTH.search(words) for words in around)


def _numeric(text: str, match: re.Match[str]) -> Date | None:
    first, second = (int(digits_of(match[name] or match[other])) for name, other in (("a", "d"), ("b", "m")))
    year = digits_of(match["y"] or match["z"])
    if not (1 <= min(first, second) <= 12 and max(first, second) <= 31):
        return None
    born = int(year) in (YEARS if len(year) == 4 else SHORT_YEARS)
    return Date(*match.span(), born or near_birth(text, *match.span()))


def _may_be_born(match: re.Match[str]) -> bool:
    if match["spoken"]:
        return match["spoken"].lower().startswith(("nineteen", "two"))
    return int(digits_of(match["year"])) in YEARS
