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
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)) if any(name in text for name in STARTS) else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTS:
            yield node


def passes_on(path: Path) -> Iterator[str]:
    """The functions of a file that call ``die_with_parent``."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)) if "die_with_parent()" in text else ():
        if isinstance(node, ast.FunctionDef) and "die_with_parent()" in ast.unparse(node):
            yield node.name


ALL = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
FILES = [p for p in ALL if p.relative_to(ROOT).as_posix() not in ENDS_BY_ITSELF and any(starts(p))]


@pytest.fixture(scope="module")
def deadly() -> set[str]:
    """What may be called between fork and exec."""
    return {"die_with_parent"}.union(*map(passes_on, ALL))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_started_dies_with_whoever_started_it(path: Path, deadly: set[str]) -> None:
    for call in starts(path):
        (after_fork,) = [each.value for each in call.keywords if each.arg == "preexec_fn"]
        named = {node.id for node in ast.walk(after_fork) if isinstance(node, ast.Name)}
        assert named & deadly, ast.unparse(call)
