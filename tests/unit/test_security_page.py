"""The page on security names tests and settings as its evidence: each row has some, and they are there."""

import re

from support.paths import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
COLUMNS = 5  # asset, threat, control, setting, test


def test_the_tests_that_the_page_names_are_there():
    files = list((ROOT / "tests").rglob("test_*.py"))
    functions = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))}
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", PAGE))

    assert len(named) > 40
    assert named <= functions | {file.name for file in files}


def test_every_threat_is_answered_by_a_test_or_a_setting():
    cells = [line.strip("| ").split("|") for line in PAGE.splitlines() if line.startswith("| ")]
    threats = [row for row in cells if len(row) == COLUMNS]

    assert len(threats) > 25
    assert [row for row in threats if not row[3].strip() and not row[4].strip()] == []
