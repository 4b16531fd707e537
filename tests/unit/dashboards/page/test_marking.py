"""The form that marks a window."""

import pytest

from affectstream.dashboards.page.marking import clock_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0:17", 17_000),
        (" 12:05 ", 725_000),
        ("1:00:01", 3_601_000),
        ("17", None),
        ("0:60", None),
        ("", None),
    ],
)
def test_times_are_minutes_and_seconds(text: str, ms: int | None) -> None:
    assert clock_ms(text) == ms
