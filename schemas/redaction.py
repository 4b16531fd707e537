"""Redaction of what identifies or pays: card numbers, telephone numbers, e-mail addresses, dates of birth.

Numbers are found as recognisers write them, in digits and in English words. A run of seven digits or more is
replaced whatever it is: none carries an emotion, and one digit of a card that was misread must not leave the
others. So are digits that are read out one by one: a card is read in groups, each of them an utterance.
Amounts, years and dates without a birth stay.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from affectstream.schemas import birth_dates
from affectstream.schemas.spoken_numbers import TEENS, TENS, UNITS, Number, runs, words_outside

Kind = Literal["card", "phone", "email", "birth date", "number"]
Span = tuple[int, int, Kind]

CARD_DIGITS = (16, 15, 14, 13, 19, 18, 17)  # by how common they are
CARD_BEGINS = "23456"  # of the networks that people pay with
PHONE_DIGITS = range(7, 16)
READ_OUT = 4  # digits one by one; three where nothing else is said
BIRTH_DIGITS = range(6, 9)

# an e-mail address and its parts
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
_LONGEST_SPELLED = 200  # characters before the last part of a spelled name


@dataclass(frozen=True)
class Redacted:
    """A text with names of kinds in the place of what was found, and how often each was."""

    text: str
    counts: Mapping[Kind, int] = field(default_factory=dict)


def redact(text: str) -> Redacted:
    """Return ``text`` with ``[card]``, ``[phone]``, ``[email]``, ``[birth date]`` and ``[number]`` in it."""
    spans: list[Span] = [(start, end, "email") for start, end in _email_addresses(text)]
    dates = [date for date in birth_dates.find(text) if not _overlaps(date.start, date.end, spans)]
    spans += [(date.start, date.end, "birth date") for date in dates if date.of_birth]
    blocked = [span[:2] for span in spans] + [(date.start, date.end) for date in dates if not date.of_birth]
    for run in runs(text, blocked):
        spans += _in_run(text, run)
    return _replaced(text, sorted(spans))


def luhn(digits: str) -> bool:
    """Say whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B)."""
    doubled = (int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _email_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Yield where e-mail addresses begin and end, with the letters of a name that is spelled out before it.

    They are found as they are written, and as they are spoken: ``jane at example dot com``.
    """
    if "@" not in text and " at " not in text.lower():
        return
    reached = 0
    for match in _ADDRESS.finditer(text):
        before = text[max(reached, match.start() - _LONGEST_SPELLED) : match.start()]
        spelled = _SPELLED.search(before)
        start = match.start() - (len(before) - spelled.start() if spelled else 0)
        reached = match.end()
        yield start, reached


def _in_run(text: str, run: Sequence[Number]) -> Iterator[Span]:
    """Yield what a run of numbers holds: cards, then in what is left of it the rest."""
    if card := _card(run):
        first, last = card
        yield run[first].start, run[last].end, "card"
        for rest in (run[:first], run[last + 1 :]):
            if rest:
                yield from _in_run(text, rest)
        return
    for part in _without_amounts(run):
        kind = _kind(text, part)
        if kind is not None:
            start = part[0].start
            yield start - text.startswith("+", max(0, start - 1)), part[-1].end, kind


def _card(run: Sequence[Number]) -> tuple[int, int] | None:
    """Return the first and last number of a card in a run: the whole run, else any part that checks."""
    whole = "".join(number.digits for number in run)
    if len(whole) in CARD_DIGITS and _checks(whole):
        return 0, len(run) - 1
    for length in CARD_DIGITS if len(whole) > min(CARD_DIGITS) else ():
        for first in range(len(run)):
            digits = ""
            for last in range(first, len(run)):
                digits += run[last].digits
                if len(digits) >= length:
                    break
            if len(digits) == length and digits[0] in CARD_BEGINS and _checks(digits):
                return first, last
    return None


def _checks(digits: str) -> bool:
    return len(set(digits)) > 1 and luhn(digits)


def _without_amounts(run: Sequence[Number]) -> Iterator[Sequence[Number]]:
    part: list[Number] = []
    for number in run:
        if number.amount:
            yield from [part] if part else []
            part = []
        else:
            part.append(number)
    yield from [part] if part else []


def _kind(text: str, run: Sequence[Number]) -> Kind | None:
    digits = "".join(number.digits for number in run)
    if all(map(_is_year, run)) or all(number.letter for number in run):
        return None
    if len(digits) in BIRTH_DIGITS and birth_dates.near_birth(text, run[0].start, run[-1].end):
        return "birth date"
    if len(digits) >= PHONE_DIGITS.start:
        return "phone" if len(digits) in PHONE_DIGITS else "number"
    alone = len(digits) >= READ_OUT - 1 and not words_outside(text, run)
    return "number" if alone or _read_out(run) else None


def _read_out(run: Sequence[Number]) -> bool:
    """Say whether a run is of digits that were read out one by one."""
    return len(run) >= READ_OUT and all(len(set(number.digits)) == 1 for number in run)


def _is_year(number: Number) -> bool:
    return not number.spoken and len(number.digits) == 4 and number.digits[:2] in ("19", "20")


def _overlaps(start: int, end: int, spans: Sequence[Span]) -> bool:
    return any(start < last and first < end for first, last, _ in spans)


def _replaced(text: str, spans: Sequence[Span]) -> Redacted:
    parts, reached = [], 0
    for start, end, kind in spans:
        parts += [text[reached:start], f"[{kind}]"]
        reached = end
    return Redacted("".join([*parts, text[reached:]]), Counter(kind for _, _, kind in spans))
