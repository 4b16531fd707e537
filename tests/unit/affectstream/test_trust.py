"""The command `trust`: durations as people write them."""

import pytest

from affectstream.schemas.errors import InputError
from affectstream.trust import seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86_400), ("1.5m", 90)]
)
def test_a_duration_is_a_number_with_its_unit(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "0s", "10 minutes", "1e3s"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match=r"--for .*: a number with s, m, h or d"):
        seconds(text)
