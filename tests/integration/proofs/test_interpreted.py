"""Proof: the join keeps its laws as Python too, for who has no C compiler."""

import os
import subprocess
import sys

import pytest
from support.paths import ROOT

from affectstream.workers.fusion import native

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(300)]


def test_the_tests_of_the_fusion_pass_where_nothing_is_compiled() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/workers/fusion"],
        cwd=ROOT,
        env=os.environ | {native.PURE: "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
