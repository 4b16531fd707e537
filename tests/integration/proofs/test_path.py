"""Proof: one observation runs through few files of the fusion process, and docs/design.md names them."""

import re
import subprocess
import sys

import pytest
from support.paths import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(200)]

MOST = 19
FILE = re.compile(r"^((?:models|runtime|schemas|workers)/\S+\.py) ", re.MULTILINE)


def test_one_observation_runs_through_the_files_that_the_design_names() -> None:
    script = [sys.executable, ROOT / "scripts" / "trace_observation.py"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    traced = FILE.findall(done.stdout)
    assert "workers/fusion/join.py" in traced
    assert len(traced) <= MOST, done.stdout
    named = set(FILE.findall((ROOT / "docs" / "design.md").read_text(encoding="utf-8")))
    idle = {
        file for file in named if file in done.stdout.partition("left out:")[2]
    }  # by chance just then, too
    assert set(traced) | idle == named
