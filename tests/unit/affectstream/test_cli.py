"""The command line: help everywhere, and one clear line for every mistake."""

import importlib
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest
from support.commands import COMMANDS, NOWHERE
from support.paths import ROOT
from support.recordings import voice, wav
from typer.testing import CliRunner

from affectstream import cli, commands, extras, worker
from affectstream.doctor import installation

RUN = CliRunner()


def words(text: str) -> str:
    """What a help says, without frames and line breaks."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The error line of a command that is run in this process, after which it leaves with code 2."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    said = capsys.readouterr().err
    assert end.value.code == 2, said
    assert "Traceback" not in said
    return said.replace("\n", " ")


def process(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "affectstream"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "120", **env},
    )


def test_the_tree_lists_every_command_with_its_own_help() -> None:
    listed = words(RUN.invoke(cli.app, ["--help"], env={"COLUMNS": "300"}).output)
    for name, entry in commands.COMMANDS.items():
        own = cli.load(name)
        assert words(own.help or "").startswith(entry.help), name
        assert f"{name} {entry.help}" in listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = RUN.invoke(cli.app, [*command.split(), "--help"], prog_name="affectstream")
    assert result.exit_code == 0
    assert f"Usage: affectstream {command}" in result.output
    assert "--help" in result.output


def test_an_unknown_command_is_refused_with_the_nearest() -> None:
    result = RUN.invoke(cli.app, ["anlyze", "call.mp4"])
    assert result.exit_code == 2
    assert "Did you mean 'analyze'" in result.output


MISTAKES = [
    pytest.param(["analyze", "nowhere.mp4"], "nowhere.mp4: no such file", id="missing file"),
    pytest.param(["analyze", "{text}"], "notes.txt", id="not media"),
    pytest.param(["analyze", "{empty}"], "empty.mp4", id="empty file"),
    pytest.param(["analyze", "{call}", "--party", "boss=x.wav"], "'boss' is not a party", id="unknown party"),
    pytest.param(["analyze", "{call}", "--party", "agent"], "--party agent=agent.flac", id="no file"),
    pytest.param(["analyze", "{call}", "--channels", "agent"], "agent party is not analysed", id="policy"),
    pytest.param(["analyze", "{call}", "-o", "out.xls"], "out.xls: name the output", id="output kind"),
    pytest.param(["analyze", "{call}", "--plot", "out.gif"], "a plot is a .png", id="plot kind"),
    pytest.param(["analyze", "{call}", "-o", "{text}/out.csv"], "there is no folder", id="output folder"),
    pytest.param(["analyze", "{call}", "--summary", "{folder}"], "it is a folder", id="summary file"),
    pytest.param(["analyze", "{broken}"], "is not a session file: parties", id="session file"),
    pytest.param(["replay", "{call}", "--start", "yesterday"], "--start yesterday", id="start"),
    *[
        pytest.param(["replay", "{call}", f"--start={start}"], "milliseconds", id=f"start {start[:16]}")
        for start in ("1795679451000000", "-5", "9" * 400, "4000000000000", "soon")
    ],
    pytest.param(["demo", "--folder", "{text}/out"], "cannot make the folder", id="folder"),
    pytest.param(["up", "--logs", "{text}"], "cannot make the folder", id="logs"),
    pytest.param(["sessions"], "Redis", id="no Redis"),
    pytest.param(["trust", "set", "video", "0.4", "--for", "soon"], "--for soon", id="no duration"),
    pytest.param(["topics", "list"], "broker", id="no broker"),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES)
def test_a_mistake_gives_one_clear_line_and_exit_code_2(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {"text": "notes.txt", "empty": "empty.mp4", "call": "call.wav", "broken": "session.json"}
    (tmp_path / "notes.txt").write_text("no media")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "session.json").write_text(json.dumps({"session": "s", "parties": []}))
    wav(tmp_path / "call.wav", voice(1))
    paths = {name: str(tmp_path / file) for name, file in files.items()} | {"folder": str(tmp_path)}
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    assert told in refused([argument.format(**paths) for argument in arguments], capsys)


@pytest.mark.parametrize("command", [name for name, entry in commands.COMMANDS.items() if entry.extras])
def test_a_command_without_its_extra_says_what_to_install(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    wanted = ",".join(commands.COMMANDS[command].extras)
    said = refused([command], capsys)
    assert f"`affectstream {command}` needs " in said
    assert f"not installed: pip install 'affectstream[{wanted}]'" in said
    assert RUN.invoke(cli.app, [command, "--help"]).exit_code == 0


def test_a_package_that_is_imported_counts_as_installed() -> None:
    importlib.import_module("faust").App  # noqa: B018  # faust takes its own place in sys.modules, without a spec
    extras.require("up", ["fusion"])


def test_a_worker_without_its_extra_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    assert "pip install 'affectstream[fusion]'" in refused(["worker", "fusion"], capsys)


def test_what_is_missed_only_by_an_option_is_named_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_matplotlib(_: str) -> None:
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib.pyplot")

    monkeypatch.setattr(cli, "load", without_matplotlib)
    assert "needs matplotlib, which is not installed: pip install 'affectstream[plot]'" in refused(
        ["show", "call"], capsys
    )


def test_every_worker_is_a_program_of_the_package() -> None:
    assert set(worker.MODULES) == set(worker.EXTRAS) == set(get_args(worker.WorkerName))
    for module in worker.MODULES.values():
        found = find_spec(module)
        assert found is not None
        program = found if found.submodule_search_locations is None else find_spec(f"{module}.__main__")
        assert program is not None and program.origin is not None
        assert '__name__ == "__main__"' in Path(program.origin).read_text()


def test_every_extra_is_one_of_the_package() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras.EXTRAS) == set(project["optional-dependencies"]) - {"all", "dev"}


def test_the_installed_program_works_and_refuses() -> None:
    assert "Usage: affectstream" in process("--help").stdout
    result = process("config", AFFECT_KAFKA__BOOTSTRAPP="x")
    assert result.returncode == 2
    assert "AFFECT_KAFKA__BOOTSTRAP" in result.stderr
    assert "Traceback" not in result.stderr


def test_config_shows_what_is_set_and_no_secret() -> None:
    env = {"AFFECT_REDIS__PASSWORD": "hunter22", "AFFECT_FUSION__WINDOW_MS": "500", "COLUMNS": "120"}
    result = RUN.invoke(cli.app, ["config"], env=env)
    assert result.exit_code == 0
    assert "500" in result.stdout
    assert "hunter22" not in result.stdout


def test_doctor_names_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "EXTRAS", {"inference": ("torch", "no_such_package")})
    result = RUN.invoke(cli.app, ["doctor"], env={"COLUMNS": "200", **NOWHERE})
    assert result.exit_code == 0, result.stdout
    assert "pip install 'affectstream[inference]'" in words(result.stdout)
    for word in ("torch", "aiokafka", "device", "blazeface", "video", "audio", "text", "Kafka", "Redis"):
        assert word in result.stdout
