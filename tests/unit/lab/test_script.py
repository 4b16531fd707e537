"""Modules of the laboratory that run by themselves."""

import sys

import pytest

from affectstream.lab import script
from affectstream.schemas.errors import InputError


def test_a_mistake_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise InputError("no corpus here")

    monkeypatch.setattr(sys, "argv", ["script"])
    with pytest.raises(SystemExit) as stopped:
        script.run(main)
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: no corpus here\n"
