"""Every command that the README and the documents name: it exists, with the options that they give it."""

import re
import shlex
from itertools import product

import click
import pytest
from support.paths import ROOT

from affectstream.cli import COMMANDS, load

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```.*?\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
OPTIONAL = re.compile(r"\[([^\]]*)\]")


def lines(text: str) -> list[str]:
    """The lines of fenced blocks, and the code spans between."""
    blocks = FENCED.findall(text)
    spans = [" ".join(span.split()) for span in SPAN.findall(FENCED.sub("", text))]
    return [line for block in blocks for line in block.splitlines()] + spans


def commands() -> list[tuple[str, str]]:
    """Page and command, alternatives (``face|voice``) told apart."""
    found: dict[tuple[str, str], None] = {}
    for page in PAGES:
        for line in lines(page.read_text(encoding="utf-8")):
            if line.startswith("affectstream "):
                command = re.split(r"\s(?:#|&|>|\|)|\s*\\$", OPTIONAL.sub(r"\1", line))[0]
                for words in product(*(word.split("|") for word in command.split(" "))):
                    found[page.name, " ".join(words)] = None
    return list(found)


def test_there_are_many() -> None:
    assert len(commands()) > 40


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_documented_command_is_one(page: str, line: str) -> None:
    _, name, *words = shlex.split(line)
    if name.isupper() or name.startswith("--") or name == "...":
        return  # any command
    assert name in COMMANDS, f"{page}: {line}"
    command = load(name)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"{page}: {line}"
        command = command.commands[name]
    arguments = [word for word in words if word != "..."]
    if "--help" not in arguments:
        command.make_context(name, arguments, resilient_parsing=True)
