"""What a user is told of a session: on the terminal, as JSON, from a file; always the same."""

import json
from pathlib import Path

import pytest
from rich.console import Console
from support.session_lines import labelled, split, tenths
from typer.testing import CliRunner

from affectstream.analytics.label import Display
from affectstream.analytics.lines import lines
from affectstream.cli import app
from affectstream.export import in_order, read, report, write, write_report
from affectstream.runtime.settings import AlertSettings, Settings
from affectstream.schemas.errors import InputError, SettingsError
from affectstream.tables import summary_table

PLAIN = Display()
CALL = in_order(
    [w.model_copy(update={"start_ms": w.start_ms + 5000, "end_ms": w.end_ms + 5000})
     for w in labelled("n" * 24 + "a" * 24 + "n" * 24)] + labelled("....", party="agent")
)  # fmt: skip


def terminal(made) -> str:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(summary_table(made, "call"))
    return captured.get()


def test_the_terminal_names_shares_quarters_turns_and_alerts() -> None:
    text = terminal(report(CALL, Settings()))
    assert "neutral 67%, angry 33%" in text
    assert "29 s neutral > angry" in text  # after the call's start
    assert "53 s angry > neutral" in text
    assert "customer: angry + disgust at least 0.55 and 0.35 above" in text
    assert "100%" in text  # unknown, of the agent
    assert all(len(line) <= 80 for line in text.splitlines())


def test_disagreements_are_told_in_words() -> None:
    text = terminal(report(split("9999"), Settings()))
    assert "0 s to 4 s words neutral, voice angry" in text


def test_the_json_holds_it_all_and_is_the_same_every_time(tmp_path: Path) -> None:
    made = report(CALL, Settings())
    told = json.loads(made.json())
    assert [party["party"] for party in told["parties"]] == ["customer", "agent"]
    assert [turn["after"] for turn in told["parties"][0]["turning_points"]] == ["angry", "neutral"]
    assert [(a["rule"], a["edge"]) for a in told["alerts"]] == [
        ("angry", "begin"), ("angry", "end")
    ]  # fmt: skip
    write_report(made, tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text() == report(list(reversed(CALL)), Settings()).json()
    with pytest.raises(InputError, match="cannot write"):
        write_report(made, tmp_path / "nowhere" / "out.json")


def test_a_file_gives_back_the_windows_that_were_written(tmp_path: Path) -> None:
    windows = in_order([*CALL, *split("19")])
    write(windows, tmp_path / "out.jsonl", PLAIN)
    again = read(tmp_path / "out.jsonl")
    assert list(lines(again, PLAIN)) == list(lines(windows, PLAIN))
    assert report(read(tmp_path / "out.jsonl"), Settings()).json() == report(windows, Settings()).json()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no window"),
        ('{"session": "s"}\n', r"out\.jsonl, line 1: not a window"),
        ("no json\n", "line 1: not a window"),
        ("[]\n", "line 1: not a window"),
        (
            "".join(lines([CALL[0], CALL[0].model_copy(update={"session_id": "b"})], PLAIN)),
            "more than one session",
        ),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "out.jsonl").write_text(text)
    with pytest.raises(InputError, match=told):
        read(tmp_path / "out.jsonl")


def test_alerts_can_be_off_or_ruled_by_a_file(tmp_path: Path) -> None:
    assert report(CALL, Settings(alerts=AlertSettings(enabled=False))).alerts == []
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname="calm"\nkind="above"\nemotions=["neutral"]\nlevel=0.7\nseconds=2\n')
    assert {a.rule for a in report(CALL, Settings(alerts=AlertSettings(rules=rules))).alerts} == {"calm"}
    with pytest.raises(SettingsError, match=r"none\.toml.*alerts\.rules"):
        report(CALL, Settings(alerts=AlertSettings(rules=tmp_path / "none.toml")))


def test_the_command_sums_up_a_file(tmp_path: Path) -> None:
    write(tenths("111999999111"), tmp_path / "call.jsonl", PLAIN)
    done = CliRunner().invoke(
        app, ["summary", str(tmp_path / "call.jsonl"), "--json"], catch_exceptions=False
    )
    assert done.stdout == report(tenths("111999999111"), Settings()).json()
