"""The alerts process: part of a system unless it is off, and one clear line where it cannot run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from affectstream.runtime.settings import load
from affectstream.up import processes


def names(**alerts: object) -> list[str]:
    return [child.name for child in processes(load(alerts=alerts))]


def test_a_system_runs_the_worker_unless_alerts_are_off() -> None:
    assert names() == ["video", "audio", "text", "fusion", "alerts"]
    assert names(enabled=False) == ["video", "audio", "text", "fusion"]


def test_it_has_a_health_port_of_its_own() -> None:
    child = processes(load())[-1]
    assert child.module == "affectstream.workers.alerts"
    assert child.env["AFFECT_ALERTS__HEALTH_PORT"] == str(child.port)


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"AFFECT_ALERTS__RULES": "{bad}"}, "rule 'angry': kind 'above' needs emotions"),
        ({"AFFECT_ALERTS__RULES": "nowhere.toml"}, "nowhere.toml: No such file"),
        ({"AFFECT_ALERTS__ENABLED": "false"}, "alerts.enabled is false"),
        ({}, "broker at 127.0.0.1:1"),
    ],
)
def test_a_worker_that_cannot_run_exits_with_one_line(tmp_path: Path, env: dict[str, str], told: str) -> None:
    (tmp_path / "bad.toml").write_text('[[rule]]\nname="angry"\nkind="above"\nlevel=0.5\nseconds=2\n')
    filled = {name: value.format(bad=tmp_path / "bad.toml") for name, value in env.items()}
    done = subprocess.run(
        [sys.executable, "-m", "affectstream.workers.alerts"],
        env={**os.environ, "AFFECT_KAFKA__BOOTSTRAP": "127.0.0.1:1", **filled},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
