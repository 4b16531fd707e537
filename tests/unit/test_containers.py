"""The Dockerfile, and what docker-compose itself says of the compose files. No engine is needed."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from support.compose import SECRETS, SERVICES
from support.paths import ROOT


def test_the_dockerfile_has_the_targets_and_runs_as_nobody_special():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    parents = {stage: parent for parent, stage in re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)}

    assert {service["build"]["target"] for service in SERVICES.values() if "build" in service} <= set(parents)
    assert parents["base"] == parents["inference"] == parents["recogniser"] == "runtime"
    assert "USER 10001:10001" in text
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(re.findall(r"--extra (\S+)", text)) <= set(extras)
    assert "--extra asr" in text.partition("AS recogniser-packages")[2].partition("FROM")[0]
    assert "--extra inference" not in text.partition("AS base-packages")[2].partition("FROM")[0]


def test_the_environment_is_made_with_secrets_of_its_own_and_never_twice(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        done = _make_env(tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        made.append(dict(re.findall(r"^(\w+)=(.*)$", (tmp_path / name).read_text(), re.MULTILINE)))
    assert set(made[0]) == {*SECRETS, "REPLAY_USER"}
    drawn = [one[name] for one in made for name in SECRETS]
    assert len(set(drawn)) == 2 * len(SECRETS) and min(map(len, drawn)) >= 32
    before = (tmp_path / "one").read_bytes()
    assert "is there already" in _make_env(tmp_path / "one").stderr
    assert (tmp_path / "one").read_bytes() == before


def _make_env(target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts" / "make-env", target], capture_output=True, text=True)


def test_what_the_dockerfile_copies_is_let_through():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    let_through = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    copied = re.findall(r"^COPY (?:--chown=\S+ )?(?!--)(.+) \S+$", text, re.MULTILINE)
    let_through |= {name for names in copied for name in names.split() if name.split("/")[0] in let_through}

    assert {name for names in copied for name in names.split()} - {"."} <= let_through
    assert all((ROOT / name).exists() for names in copied for name in names.split())


def test_no_file_names_where_packages_come_from():
    for name in ("Dockerfile", "docker-compose.yml", "compose.gpu.yml", ".env.example", ".dockerignore"):
        text = (ROOT / name).read_text(encoding="utf-8").lower()
        assert not re.search(r"https?://(?!127\.0\.0\.1|api:)|index[-_]url|find-links", text), name


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
@pytest.mark.parametrize("files", [["docker-compose.yml"], ["docker-compose.yml", "compose.gpu.yml"]])
def test_docker_compose_accepts_the_files(files: list[str]):
    done = _compose(files, dict.fromkeys(SECRETS, "filled-in"))

    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(SERVICES)


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_an_empty_secret_is_refused_by_name():
    missing = SECRETS[0]  # all are written alike, which test_compose.py checks
    done = _compose(["docker-compose.yml"], dict.fromkeys(SECRETS, "filled-in") | {missing: ""})

    assert done.returncode != 0
    assert missing in done.stderr


def _compose(files: list[str], secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program = shutil.which("docker-compose")
    assert program is not None
    named = [argument for file in files for argument in ("-f", str(ROOT / file))]
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | secrets
    return subprocess.run(
        [program, *named, "--env-file", str(ROOT / ".env.example"), "config"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
