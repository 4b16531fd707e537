"""The strip of labels of a party."""

from affectstream.dashboards.page.strips import CELL_MS, CELLS, LETTERS, Strip
from affectstream.schemas.labels import EMOTIONS


def letters(*cells: tuple[int, str]) -> str:
    """The strip after windows that end in these cells."""
    strip = Strip()
    for cell, letter in cells:
        strip.add(cell * CELL_MS, letter)
    return "".join(strip.letters)


def test_every_emotion_has_a_letter_of_its_own() -> None:
    assert len({LETTERS[name] for name in EMOTIONS}) == len(EMOTIONS)


def test_a_later_window_of_a_cell_replaces_it() -> None:
    assert letters((0, "a"), (0, "s"), (1, "n")) == "sn"


def test_cells_without_a_window_are_marked() -> None:
    assert letters((0, "a"), (3, "n")) == "a--n"


def test_the_strip_keeps_the_last_cells_however_long_the_gap() -> None:
    strip = letters((0, "a"), (10_000, "n"))
    assert len(strip) == CELLS and strip[-1] == "n" and set(strip[:-1]) == {"-"}


def test_a_call_that_begins_anew_empties_it() -> None:
    assert letters((5, "a"), (0, "n")) == "n"
