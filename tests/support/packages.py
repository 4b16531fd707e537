"""Debian packages made for a test."""

import shutil
import subprocess
from pathlib import Path

import pytest

dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")


def packed(content: Path, name: str, folder: Path) -> Path:
    """Make a package of what lies in ``content``, and return where in ``folder`` it lies."""
    (content / "DEBIAN").mkdir()
    (content / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.org>\n"
        "Description: sounds\n"
    )
    made = folder / f"{name}_1_all.deb"
    subprocess.run(["dpkg-deb", "-b", str(content), str(made)], check=True, capture_output=True)
    return made
