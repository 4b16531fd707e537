"""The documents name files, modules, commands and links that there are."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import ROOT

from affectstream.commands import COMMANDS

DOCS = ROOT / "docs"
TOP = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")]
PAGES = [*TOP, *sorted(DOCS.rglob("*.md"))]
PRINTED = {DOCS / "fusion.md", *(DOCS / "models").glob("*")}  # wrapped by what prints them, or by their links
FOLDERS = (
    "affectstream|analytics|benchmarks|dashboards|lab|models|producers|runtime|schemas|scripts|tests|workers"
)
COMMAND = re.compile(r"^ *(?:`|\$ )?affectstream ((?:[a-z]+ ?)+)", re.MULTILINE)


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def found(pattern: str, page: Path) -> Iterator[str]:
    yield from dict.fromkeys(re.findall(pattern, page.read_text(encoding="utf-8")))


def test_links_lead_somewhere(page: Path) -> None:
    targets = [t for t in found(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page) if "://" not in t]
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_files_are_there(page: Path) -> None:
    named = found(rf"(?<![\w/.-])((?:{FOLDERS})/[\w/.-]*\.(?:py|json|toml|txt|yml|md))\b", page)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_modules_are_there(page: Path) -> None:
    named = found(r"python -m ((?:affectstream|benchmarks)[a-z_.]*[a-z])", page)
    assert [name for name in named if importlib.util.find_spec(name) is None] == []


def test_commands_are_there(page: Path) -> None:
    named = {words.split()[0] for words in COMMAND.findall(page.read_text(encoding="utf-8")) if words.split()}
    assert named <= set(COMMANDS), named - set(COMMANDS)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in PRINTED], ids=lambda page: page.name)
def test_lines_are_no_longer_than_120(page: Path) -> None:
    fence, wide = False, []
    for line in page.read_text(encoding="utf-8").splitlines():
        fence ^= line.startswith("```")
        if len(line) > 120 and not fence and not line.startswith(("|", "#", "!")) and " " in line:
            wide.append(line)
    assert wide == []
