"""The commands that the README and the documents print, page by page."""

import re
from collections.abc import Iterator
from itertools import product

from support.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^ *```.*?\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {4}(affectstream .*)$", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
OPTIONAL = re.compile(r"(?<!\S)\[([^\]]*)\]")  # in usage lines; brackets within a word are values
PROGRAMS = (
    "affectstream ",
    "python -m affectstream",
    "export ",
    "docker ",
    "make ",
    "uv ",
    "scripts/make-env",
)


def lines(text: str) -> list[str]:
    """The lines of fenced and indented blocks, and the code spans between."""
    fenced = [line.strip() for block in FENCED.findall(text) for line in block.splitlines()]
    text = FENCED.sub("", text)
    spans = [" ".join(span.split()) for span in SPAN.findall(INDENTED.sub("", text))]
    return [*fenced, *INDENTED.findall(text), *spans]


def commands(*programs: str) -> Iterator[tuple[str, str]]:
    """Yield page and command, in the order of the page, alternatives (``face|voice``) told apart."""
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        for line in lines(page.read_text(encoding="utf-8")):
            if line.startswith(programs):
                command = re.split(r"\s+(?:#|&|>|\|)|\s*\\$", OPTIONAL.sub(r"\1", line))[0]
                for words in product(*(word.split("|") for word in command.split(" "))):
                    yield name, " ".join(words).strip()
