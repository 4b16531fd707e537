"""The commands that the README and the documents print, page by page."""

import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import product

from support.paths import ROOT

from affectstream import cli

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
VALUES = {
    "RECORDING": "call.wav",
    "START": "1700000000000",
    "SESSION": "call-7",
    "N": "4",
    "FILE.jsonl": "turns.jsonl",
}
PLACES = {"analyze ...": "analyze call.wav", "/etc/affectstream": "etc", "/run/secrets": "secrets"}


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


def is_mention(line: str) -> bool:
    """Say whether a command is only named, in a sentence, without the arguments that it cannot do without."""
    program, name, *words = shlex.split(line)
    if program != "affectstream":
        return False
    command = cli.load(name)
    while hasattr(command, "commands"):
        if not words:
            return True
        command = command.commands[words.pop(0)]
    return not words and any(parameter.required for parameter in command.params)


def beginning(line: str, table: Iterable[str]) -> str | None:
    """Return which of the beginnings, in whole words, a command has."""
    words = line.removeprefix("affectstream ")
    return next((each for each in table if any(_begins(text, each) for text in (line, words))), None)


def _begins(text: str, words: str) -> bool:
    return text.startswith(words) and not text[len(words) :][:1].isalpha()


def as_meant(printed: str) -> str:
    """Return a command with values in place of the words in capitals, and with files that are there."""
    line = " ".join(VALUES.get(word, word) for word in printed.split(" "))
    for place, here in PLACES.items():
        line = line.replace(place, here)
    return line
