"""What identifies or pays is taken out of a text, as recognisers write it, and the rest stays."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectstream.schemas.redaction import luhn, redact

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
CARD = "4111111111111111"

FOUND = [
    ("my card is 4111 1111 1111 1111 thanks", "my card is [card] thanks"),
    ("4111-1111-1111-1111", "[card]"),
    ("4111\u00a01111\u20111111\u20131111", "[card]"),
    ("amex 378282246310005, ok?", "amex [card], ok?"),
    ("four one one one, one one one one, one one one one, one one one one", "[card]"),
    ("forty one eleven eleven eleven eleven eleven eleven eleven exp 12 25", "[card] exp 12 25"),
    ("four triple one, quadruple one, double one double one 1 1 1 1", "[card]"),
    ("\uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 1111 1111", "[card]"),
    ("4,111,111,111,111,111", "[card]"),  # as a recogniser writes a long number
    ("4111 1111 1111 1112", "[number]"),  # one digit misread
    ("that's four one one one", "that's [number]"),  # the first group of a card
    ("One, two, three.", "[number]."),
    ("call 0171/1234567", "call [phone]"),
    ("+49 (0) 171 1234567 please", "[phone] please"),
    ("555-123-4567 or 555 123 4568", "[phone] or [phone]"),
    ("call me on five five five one two three four", "call me on [phone]"),
    ("oh seven seven double oh nine hundred one two three", "[phone]"),
    ("1 800 555 0199 ext 5", "[phone] ext 5"),
    ("jane.doe+x@mail.example.com ok", "[email] ok"),
    ("4111 1111 1111 1111, jane@example.com", "[card], [email]"),
    ("jane dot doe at example dot com, now", "[email], now"),
    ("jane.doe at example.co.uk", "[email]"),
    ("it is j o h n underscore smith at g-mail dot com", "it is [email]"),
    ("I was born on 12/05/1985", "I was born on [birth date]"),
    ("12.05.1985 it is, 1985-05-12", "[birth date] it is, [birth date]"),
    ("May 5th, 1985", "[birth date]"),
    ("the twenty first of may nineteen eighty five", "[birth date]"),
    ("born on the 3rd of June", "born on [birth date]"),
    ("date of birth oh five twelve eighty five", "date of birth [birth date]"),
    ("3 4 2021 is her birthday, born 3/4/2021", "[birth date] is her birthday, born [birth date]"),
]

KEPT = [
    "",
    "I am so angry, it was 200 dollars and nobody called",
    "my order from 12/05/2024 costs 1,500,000 dollars",
    "from 1999 to 2004 I paid 45.50 a month",
    "1999-2004",
    "oh oh oh no",
    "I told you one or two times, in twenty twenty five",
    "one hundred and twenty three thousand",
    "you may 5 times, on May 5",
    "meet me at home.then we talk at length. Dot com",
    "there are 24/7 lines, at 10:30 and 11:45",
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_what_identifies_or_pays_is_replaced_by_its_kind(text: str, expected: str) -> None:
    assert redact(text).text == expected


@pytest.mark.parametrize("text", KEPT)
def test_amounts_years_and_other_words_stay(text: str) -> None:
    assert redact(text).text == text
    assert not redact(text).counts


def test_each_kind_is_counted() -> None:
    found = redact(f"{CARD}, jane@example.com, joe@example.com, 0171 1234567, born 1.2.1970, 1 2 3 4 five")
    assert found.counts == {"card": 1, "email": 2, "phone": 1, "birth date": 1, "number": 1}


def _card(prefix: str) -> str:
    return next(prefix + d for d in string.digits if luhn(prefix + d))


@given(
    st.text("0123456789", min_size=12, max_size=18).map(lambda s: _card("4" + s[1:])),
    st.lists(st.sampled_from(["digits", "words"]), min_size=19, max_size=19),
    st.sampled_from([" ", "-", ", ", ". "]),
    st.sampled_from(["", "it is ", "Well, I said "]),
)
def test_no_digit_of_a_card_is_left_however_it_is_read_out(
    card: str, ways: list[str], separator: str, before: str
) -> None:
    said = separator.join(d if way == "digits" else WORDS[int(d)] for d, way in zip(card, ways, strict=False))
    redacted = redact(f"{before}{said} okay").text
    assert redacted in (f"{before}[card] okay", f"{before}[number] okay")  # one digit alone is no card


@settings(max_examples=30)
@given(st.text(max_size=300))
def test_a_redacted_text_has_nothing_left_to_redact(text: str) -> None:
    once = redact(text).text
    again = redact(once)
    assert sum(again.counts.values()) <= sum(redact(text).counts.values())
    assert redact(again.text).text == again.text


@pytest.mark.parametrize("unit", ["1 ", "a.a", "a dot ", "four ", "j at ", "may ", "1,111", "9"])
def test_a_hostile_text_takes_no_more_than_its_length(unit: str) -> None:
    redact(unit * (8_000 // len(unit)))


def test_names_of_kinds_hold_nothing_that_was_found() -> None:
    numbers = random.Random(7)
    for _ in range(200):
        phone = "".join(numbers.choice(string.digits) for _ in range(9))
        assert not any(character.isdigit() for character in redact(f"ring 07{phone} now").text)
