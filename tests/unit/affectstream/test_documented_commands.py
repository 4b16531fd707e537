"""Every command that the README and the documents name: it exists, with the options that they give it."""

import shlex

import pytest
from support.documented import commands

from affectstream.cli import load
from affectstream.commands import COMMANDS

FOUND = list(dict.fromkeys(commands("affectstream ")))


def test_there_are_many() -> None:
    assert len(FOUND) > 40


@pytest.mark.parametrize(("page", "line"), FOUND)
def test_a_documented_command_is_one(page: str, line: str) -> None:
    _, name, *words = shlex.split(line)
    if name.isupper() or name.startswith("--") or name == "...":
        return  # any command
    assert name in COMMANDS, f"{page}: {line}"
    command = load(name)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"{page}: {line}"
        command = command.commands[name]
    arguments = [word for word in words if word != "..."]
    if "--help" not in arguments:
        command.make_context(name, arguments, resilient_parsing=True)
