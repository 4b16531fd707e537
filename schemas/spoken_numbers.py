"""Digits in a text, as they are written and as English words: ``4111``, ``four one double one``."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
UNITS = {word: str(n) for n, word in enumerate(_UNITS)} | dict.fromkeys(("oh", "o", "nought"), "0")
TEENS = {word: str(n) for n, word in enumerate((*_TEENS, "nineteen"), 10)}
TENS = {word: str(n) for n, word in enumerate(_TENS, 2)}
REPEATED = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
LETTER_O = ("oh", "o")

_AMOUNT = r"\d{1,3}(?:,\d{3})+(?!,?\d)"
_TOKEN = re.compile(rf"{_AMOUNT}|\d+|[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_BETWEEN = re.compile(
    r"[\s.,/()+\u00b7\u2010-\u2015\u2212-]{0,5}(?:(?:dash|hyphen|dot|point)[\s,.]{1,3})?", re.IGNORECASE
)


@dataclass(frozen=True)
class Number:
    """Digits that were written or spoken as one: their value, and where they stand in the text."""

    digits: str
    start: int
    end: int
    spoken: bool = False
    amount: bool = False  # with commas between thousands
    letter: bool = False  # an O that is read as a zero


@dataclass(frozen=True)
class _Token:
    text: str  # in lower case
    start: int
    end: int


def runs(text: str, blocked: Sequence[tuple[int, int]] = ()) -> Iterator[tuple[Number, ...]]:
    """Yield the longest runs of numbers with nothing but separators between them, outside ``blocked``."""
    run: list[Number] = []
    for number in _numbers(text, blocked):
        if run and not _joined(text, run[-1].end, number.start, blocked):
            yield tuple(run)
            run = []
        run.append(number)
    if run:
        yield tuple(run)


def words_outside(text: str, run: Sequence[Number]) -> int:
    """Return how many words of ``text`` lie outside of ``run``."""
    start, end = run[0].start, run[-1].end
    return sum(not start <= match.start() < end for match in re.finditer(r"\w+", text))


def digits_of(text: str) -> str:
    """Return the digits of ``text`` in ASCII, whatever script they are written in."""
    return "".join(str(unicodedata.digit(c)) for c in text if c.isdecimal())


def _joined(text: str, end: int, start: int, blocked: Sequence[tuple[int, int]]) -> bool:
    crossed = any(end <= first < start for first, _ in blocked)
    return not crossed and _BETWEEN.fullmatch(text, end, start) is not None


def _numbers(text: str, blocked: Sequence[tuple[int, int]]) -> Iterator[Number]:
    tokens = [
        _Token(match.group().lower(), match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if not any(first <= match.start() < last for first, last in blocked)
    ]
    place = 0
    while place < len(tokens):
        number, used = _number(text, tokens, place)
        if number is not None:
            yield number
        place += used


def _number(text: str, tokens: Sequence[_Token], place: int) -> tuple[Number | None, int]:
    """Return the number that begins at a token, and how many tokens it takes."""
    token = tokens[place]
    if token.text[0].isdecimal():
        return Number(digits_of(token.text), token.start, token.end, amount="," in token.text), 1
    following = tokens[place + 1] if place + 1 < len(tokens) else None
    if following is not None and _BETWEEN.fullmatch(text, token.end, following.start) is None:
        following = None
    if token.text in REPEATED and following is not None:
        repeated = UNITS.get(following.text) or (following.text if len(following.text) == 1 else "")
        if repeated.isdecimal():
            digits = digits_of(repeated) * REPEATED[token.text]
            return Number(digits, token.start, following.end, spoken=True), 2
    if token.text in TENS and following is not None and UNITS.get(following.text, "0") != "0":
        digits = TENS[token.text] + UNITS[following.text]
        return Number(digits, token.start, following.end, spoken=True), 2
    return _word(token), 1


def _word(token: _Token) -> Number | None:
    tens = TENS.get(token.text)
    digits = UNITS.get(token.text) or TEENS.get(token.text) or (tens and tens + "0")
    if token.text == "hundred":
        digits = "00"  # of "one eight hundred", as telephone numbers are read
    if not digits:
        return None
    return Number(digits, token.start, token.end, spoken=True, letter=token.text in LETTER_O)
