"""Whatever a test, a benchmark or a command starts ends with it, also where that is killed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import ROOT

STARTS = {"Popen", "create_subprocess_exec", "create_subprocess_shell"}
ENDS_BY_ITSELF = {
    "dashboards/trials.py",  # at the end of its input
    "tests/unit/runtime/test_process.py",  # within a minute
    "tests/unit/runtime/test_embedded.py",  # at the end of its input
}
FOLDERS = (
    "affectstream",
    "runtime",
    "dashboards",
    "workers",
    "producers",
    "lab",
    "benchmarks",
    "scripts",
    "tests",
)


def starts(path: Path) -> Iterator[ast.Call]:
    """The calls of a file that start a process and go on."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTS:
            yield node


FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if path.relative_to(ROOT).as_posix() not in ENDS_BY_ITSELF and any(starts(path))
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_started_dies_with_whoever_started_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for call in starts(path):
        (after_fork,) = [each.value for each in call.keywords if each.arg == "preexec_fn"]
        named = ast.get_source_segment(text, after_fork)
        assert named and (
            "die_with_parent" in named or (f"def {named}" in text and "die_with_parent()" in text)
        )
