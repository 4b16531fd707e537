"""Networks in LiteRT: what standard error shows of it."""

import os
import subprocess
import sys

import pytest

from affectstream.models.face import litert

QUIET = """
import numpy as np
from affectstream.models.face.blazeface import BlazeFace
from affectstream.models.weights import detector_file
print(len(BlazeFace(detector_file()).detect(np.zeros((90, 160, 3), np.uint8))))
"""


def test_a_process_that_looks_for_faces_writes_nothing_of_litert() -> None:
    """A process of its own: LiteRT tells of its delegate once in each."""
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_what_others_write_meanwhile_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with litert._without_the_notice():
        os.write(2, b"before\nINFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nafter\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "before\nafter\nlater\n"
