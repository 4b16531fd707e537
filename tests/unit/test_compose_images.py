"""What the compose file runs of ours: settings that load, commands that exist, the image that each needs."""

import importlib.util
import os
import re
from typing import Any

import pytest
from support.compose import IMAGES, OURS, SERVICES, environment

from affectstream.cli import load as load_command
from affectstream.runtime.settings import describe, load


def _filled(value: str) -> str:
    """Fill variables in as compose does where only the secrets are set."""
    return re.sub(r"\$\{\w+(?::-([^}]*)|:\?[^}]*)\}", lambda found: found[1] or "filled-in", value)


@pytest.mark.parametrize("name", OURS)
def test_our_services_name_only_settings_that_there_are(name: str):
    known = {line.env for line in describe(load())}

    assert {var for var in environment(SERVICES[name]) if var.startswith("AFFECT_")} <= known


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_our_services_load(name: str, monkeypatch: pytest.MonkeyPatch):
    for var in [var for var in os.environ if var.startswith("AFFECT_")]:
        monkeypatch.delenv(var)
    for var, value in environment(SERVICES[name]).items():
        monkeypatch.setenv(var, _filled(value))

    settings = load()

    assert settings.log.format == "json"
    assert settings.policy.agent_purpose is None


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_our_services_exists(name: str):
    program, *arguments = SERVICES[name]["command"]
    if program == "python":
        assert arguments[0] == "-m"
        module = arguments[1]
        assert module.startswith("affectstream."), "the folders are parts of that package"
        found = importlib.util.find_spec(module)
        assert found
        assert not found.submodule_search_locations or importlib.util.find_spec(f"{module}.__main__")
        return
    assert program == "affectstream"
    command: Any = load_command(arguments.pop(0))
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= options


@pytest.mark.parametrize("name", OURS)
def test_the_image_of_a_service_holds_torch_only_where_it_is_needed(name: str):
    wanted = IMAGES.get(name, "base")

    assert SERVICES[name]["image"].startswith(f"affectstream-{wanted}:")
    assert SERVICES[name]["build"]["target"] == wanted
