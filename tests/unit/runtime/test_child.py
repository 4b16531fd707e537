"""The limits of a child process, in one."""

import subprocess
import sys

import pytest

MIB = 1 << 20
CONFINED = f"""
from affectstream.runtime.process import confine
confine(256 * {MIB}, 1 * {MIB})
try:
    {{}}
except (MemoryError, OSError) as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("attempt", "ends"),
    [
        (f"bytearray(64 * {MIB})", ""),
        (f"bytearray(512 * {MIB})", "MemoryError"),
        (f"open('large', 'ab', 0).write(bytes({MIB})); open('large', 'ab', 0).write(b'1')", "OSError"),
    ],
)
def test_what_a_process_may_take_has_an_end(attempt: str, ends: str, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CONFINED.format(attempt)], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ends
