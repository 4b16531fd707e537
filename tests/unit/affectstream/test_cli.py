"""The command line: help everywhere, and one clear line for every mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from affectstream.runtime.settings import ProducerSettings
from affectstream.schemas.errors import InputError
from affectstream.session_file import Typed, party_named, plan, session_name

COMMANDS = (
    "analyze", "demo", "replay", "up", "worker", "topics create", "topics list", "sessions", "show", "purge",
    "summary", "config", "doctor", "dashboards push", "licences", "train", "evaluate", "compare", "leakcheck",
    "trust set", "trust clear", "trust show",
)  # fmt: skip


def affectstream(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "affectstream"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "120", **env},
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = affectstream(*command.split(), "--help")
    assert result.returncode == 0
    assert "Usage: affectstream" in result.stdout
    assert "--help" in result.stdout


MISTAKES = [
    pytest.param(["analyze", "nowhere.mp4"], "nowhere.mp4: no such file", id="missing file"),
    pytest.param(["analyze", "{text}"], "notes.txt", id="not media"),
    pytest.param(["analyze", "{empty}"], "empty.mp4", id="empty file"),
    pytest.param(["analyze", "{call}", "--party", "boss=x.wav"], "'boss' is not a party", id="unknown party"),
    pytest.param(["analyze", "{call}", "--party", "agent"], "--party agent=agent.flac", id="no file"),
    pytest.param(["analyze", "{call}", "--channels", "agent"], "agent party is not analysed", id="policy"),
    pytest.param(["analyze", "{call}", "-o", "out.xls"], "out.xls: name the output", id="output kind"),
    pytest.param(["analyze", "{broken}"], "is not a session file: parties", id="session file"),
    pytest.param(["replay", "{call}", "--start", "yesterday"], "--start yesterday", id="start"),
    pytest.param(["sessions"], "Redis", id="no Redis"),
    pytest.param(["trust", "set", "video", "0.4", "--for", "soon"], "--for soon", id="no duration"),
    pytest.param(["topics", "list"], "broker", id="no broker"),
]


@pytest.mark.parametrize(("arguments", "told"), MISTAKES)
def test_a_mistake_gives_one_clear_line_and_exit_code_2(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    files = {"text": "notes.txt", "empty": "empty.mp4", "call": "call.wav", "broken": "session.json"}
    (tmp_path / "notes.txt").write_text("no media")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "session.json").write_text(json.dumps({"session": "s", "parties": []}))
    write_tone(tmp_path / "call.wav")
    paths = {name: str(tmp_path / file) for name, file in files.items()}
    result = affectstream(
        *(argument.format(**paths) for argument in arguments),
        AFFECT_KAFKA__BOOTSTRAP="127.0.0.1:1",
        AFFECT_REDIS__URL="redis://127.0.0.1:1/0",
    )
    assert result.returncode == 2, result
    assert told in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def write_tone(path: Path) -> None:
    import math
    import struct
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 9))) for i in range(8000)))


def test_an_unknown_setting_is_refused_by_name() -> None:
    result = affectstream("config", AFFECT_KAFKA__BOOTSTRAPP="x")
    assert result.returncode == 2
    assert "AFFECT_KAFKA__BOOTSTRAP" in result.stderr


def test_config_shows_what_is_set_and_no_secret() -> None:
    result = affectstream("config", AFFECT_REDIS__PASSWORD="hunter22", AFFECT_FUSION__WINDOW_MS="500")
    assert result.returncode == 0
    assert "500" in result.stdout
    assert "hunter22" not in result.stdout


def test_doctor_names_what_is_there() -> None:
    result = affectstream("doctor", AFFECT_KAFKA__BOOTSTRAP="127.0.0.1:1")
    assert result.returncode == 0, result.stdout
    for word in ("torch", "aiokafka", "device", "video", "audio", "text", "Kafka", "Redis"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("name", "expected"),
    [("call 7.mp4", "call-7"), ("../x/Größe.wav", "Gr--e"), ("é.mp4", "session")],
)
def test_a_session_is_named_after_its_file(name: str, expected: str) -> None:
    assert session_name(Path(name)) == expected


def test_channels_share_a_file_and_parties_add_theirs(tmp_path: Path) -> None:
    both, third = tmp_path / "both.wav", tmp_path / "third.flac"
    both.touch()
    typed = Typed([both], [f"other={third}"], channels="customer,agent", speakers=["customer=Ana"])
    made = plan(typed, ProducerSettings(), 5, "safety")
    assert [(s.party, s.media, s.channel) for s in made.parties] == [
        ("customer", both, 0),
        ("agent", both, 1),
        ("other", third, None),
    ]
    assert made.speakers == {"Ana": "customer"}
    assert (made.session_id, made.start_ms, made.agent_purpose) == ("both", 5, "safety")


def test_a_session_file_names_its_files_relative_to_itself(tmp_path: Path) -> None:
    parties = [{"party": "customer", "media": "a.mp4", "transcript": "t.vtt"}]
    (tmp_path / "session.json").write_text(json.dumps({"session": "demo", "parties": parties}))
    made = plan(Typed([tmp_path / "session.json"], session="mine"), ProducerSettings(), 0, None)
    assert made.session_id == "mine"
    assert made.parties[0].media == tmp_path / "a.mp4"


def test_two_inputs_are_not_guessed_at() -> None:
    with pytest.raises(InputError, match="--party NAME=FILE"):
        plan(Typed([Path("a"), Path("b")]), ProducerSettings(), 0, None)
    with pytest.raises(InputError, match="customer, agent, other"):
        party_named("caller")
