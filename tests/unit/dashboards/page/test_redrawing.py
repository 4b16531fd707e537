"""A chart of the page of a call is drawn once for what is new, though the store did not answer at first."""

from types import SimpleNamespace
from typing import Any

import pytest

from affectstream.dashboards.page import call
from affectstream.schemas.errors import Unavailable


class Reader:
    """A store that does not answer the first time."""

    def __init__(self) -> None:
        self.asked = 0

    async def columns(self, sid: str, party: str) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("the store does not answer")
        return SimpleNamespace(between=lambda after_ms, until_ms: ())


@pytest.mark.asyncio
async def test_a_chart_that_was_not_read_is_read_again_though_nothing_newer_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call, "line", lambda row: "neutral")
    reader = Reader()
    page: Any = call.Page("a-call", reader, *[SimpleNamespace()] * 3)  # type: ignore[arg-type]
    page._view.sides["customer"] = call.Side(*[SimpleNamespace()] * 3)  # type: ignore[arg-type]
    last = SimpleNamespace(party="customer", end_ms=5000)
    with pytest.raises(Unavailable):
        await page._show_party(last)
    for _ in range(3):
        await page._show_party(last)
    assert reader.asked == 2
