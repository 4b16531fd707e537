"""The command line: help everywhere, one clear line for every mistake, and no import without use."""

import importlib
import json
import math
import os
import re
import struct
import subprocess
import sys
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest
from support.paths import ROOT
from typer.testing import CliRunner

from affectstream import cli, commands, extras, worker
from affectstream.doctor import installation
from affectstream.pairs import party_named, session_name
from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.errors import InputError
from affectstream.session_file import SessionArguments, plan

RUN = CliRunner()
GROUPS = {name: list(cli.load(name).commands) for name, entry in commands.COMMANDS.items() if entry.group}
COMMANDS = [
    name if part is None else f"{name} {part}"
    for name in commands.COMMANDS
    for part in GROUPS.get(name, [None])
] + list(commands.BENEATH)
HEAVY = {
    "aiohttp", "aiokafka", "av", "confluent_kafka", "cv2", "fastapi", "faust", "huggingface_hub", "librosa",
    "matplotlib", "numba", "numpy", "pandas", "redis", "scipy", "sklearn", "torch",
    "torchvision", "transformers", "uvicorn",
}  # fmt: skip
NOWHERE = {"AFFECT_KAFKA__BOOTSTRAP": "127.0.0.1:1", "AFFECT_REDIS__URL": "redis://127.0.0.1:1/0"}


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
    write_tone(tmp_path / "call.wav")
    paths = {name: str(tmp_path / file) for name, file in files.items()} | {"folder": str(tmp_path)}
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    assert told in refused([argument.format(**paths) for argument in arguments], capsys)


def write_tone(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 9))) for i in range(8000)))


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


LOADED = """
import sys
from affectstream.cli import main
for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit:
        pass
print(*sys.modules, file=sys.stderr)
"""
USED: dict[str, set[str]] = {
    "config": set(),
    "sessions": {"redis"},
    "show call": {"numpy", "redis"},
    "trust show": {"redis"},
    "topics list": {"aiokafka"},
    "analyze {call}": {"av", "cv2", "numpy", "torch"},
}


def loaded(*commands: str) -> set[str]:
    """The heavy modules that a process has imported after these commands."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *commands],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **NOWHERE},
    )
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("command", USED)
def test_a_command_imports_no_heavy_package_that_it_does_not_use(command: str, tmp_path: Path) -> None:
    write_tone(tmp_path / "call.wav")
    assert loaded(command.format(call=tmp_path / "call.wav")) <= USED[command]


def test_no_help_imports_a_heavy_package() -> None:
    assert loaded("--help", *(f"{command} --help" for command in COMMANDS)) == set()


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("call 7.mp4", "call-7-"),
        ("call-20260101.mp4", "call-20260101"),
        ("call-0123456a.mp4", "call-0123456a-"),
        ("../x/Größe.wav", "Grosse-"),
        ("звонок.wav", "zvonok-"),
        ("通話.wav", "TongHua-"),
        ("call [final].wav", "call-final-"),
        ("...wav", "session-"),
    ],
)
def test_a_session_is_named_after_its_file(name: str, expected: str) -> None:
    assert session_name(Path(name)).startswith(expected)


def test_channels_share_a_file_and_parties_add_theirs(tmp_path: Path) -> None:
    both, third = tmp_path / "both.wav", tmp_path / "third.flac"
    both.touch()
    third.touch()
    (tmp_path / "t.vtt").touch()
    arguments = SessionArguments(
        [both],
        [f"other={third}"],
        channels="customer,agent",
        transcript=tmp_path / "t.vtt",
        speakers=["customer=Ana"],
        offsets=["other=1.5"],
    )
    made = plan(arguments, ProducerSettings(), 5, "safety")
    assert [(s.party, s.media, s.channel) for s in made.parties] == [
        ("customer", both, 0),
        ("agent", both, 1),
        ("other", third, None),
    ]
    assert made.speakers == {"Ana": "customer"}
    assert [s.offset_ms for s in made.parties] == [0, 0, 1500]
    assert (made.session_id, made.start_ms, made.agent_purpose) == ("both", 5, "safety")


def test_a_session_file_names_its_files_relative_to_itself(tmp_path: Path) -> None:
    parties = [{"party": "customer", "media": "a.mp4", "transcript": "t.vtt"}]
    (tmp_path / "session.json").write_text(json.dumps({"session": "demo", "parties": parties}))
    for name in ("a.mp4", "t.vtt"):
        (tmp_path / name).touch()
    arguments = SessionArguments([tmp_path / "session.json"], session="mine")
    made = plan(arguments, ProducerSettings(), 0, None)
    assert made.session_id == "mine"
    assert made.parties[0].media == tmp_path / "a.mp4"


def test_two_inputs_are_not_guessed_at() -> None:
    with pytest.raises(InputError, match="--party NAME=FILE"):
        plan(SessionArguments([Path("a"), Path("b")]), ProducerSettings(), 0, None)
    with pytest.raises(InputError, match="customer, agent, other"):
        party_named("caller")
