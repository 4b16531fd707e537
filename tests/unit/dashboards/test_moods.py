"""The moods of all calls, drawn as one character a second and counted in stretches of three."""

from typing import Any

import numpy as np
import pytest

from affectstream.dashboards.columns import NO_LABEL, ROW, Rows
from affectstream.dashboards.moods import moods
from affectstream.schemas.labels import INDEX

LETTERS = {"n": "neutral", "a": "angry", "h": "happy"}


def party(line: str) -> Rows:
    """Windows of a second, "." for no label."""
    rows = np.zeros(len(line), ROW)
    rows["start_ms"] = np.arange(len(line)) * 1000
    rows["label"] = [NO_LABEL if c == "." else INDEX[LETTERS[c]] for c in line]
    return rows


CASES = [
    pytest.param(["nnnaaa"], [(0, 1, {"neutral": 1.0}), (3000, 1, {"angry": 1.0})], id="one party"),
    pytest.param(["nnn", "aaa"], [(0, 2, {"neutral": 0.5, "angry": 0.5})], id="parties weigh by windows"),
    pytest.param(["n..", ""], [(0, 1, {"neutral": 0.3333, "unknown": 0.6667})], id="without a label"),
    pytest.param([], [], id="nobody"),
]


@pytest.mark.parametrize(("lines", "expected"), CASES)
def test_shares_of_windows(lines: list[str], expected: list[Any]) -> None:
    found = [each.model_dump() for each in moods(map(party, lines), 3000)]

    assert [(row["start_ms"], row["parties"]) for row in found] == [(at, n) for at, n, _ in expected]
    for row, (_, _, shares) in zip(found, expected, strict=True):
        assert {name: row[name] for name in (*INDEX, "unknown") if row[name]} == shares
