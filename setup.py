"""Compiles the join of the fusion process with mypyc; all else about the package is in pyproject.toml.

Where there is no C compiler, or no header of Python's, the package is built without: the join then runs as
Python, to the same bytes, more slowly. ``AFFECTSTREAM_PURE_PYTHON=1`` leaves it out as well. Why, and what it
brings: docs/decisions/0018-compiled-join.md.
"""

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import Distribution, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import BaseError

sys.path.insert(0, str(Path(__file__).parent))

from affectstream.workers.fusion import native

PACKAGE = Path("affectstream", "workers", "fusion")
LIBRARY = "affectstream.workers.fusion.join"  # what the modules share is called so, with `__mypyc` added
# `make check` checks all types; where a package is built, its dependencies need not be
OPTIONS = ("--config-file=", "--follow-imports=silent", "--ignore-missing-imports")


def compile_join(target: Path) -> None:
    """Compile the modules of the join into a folder, with the digest of their sources."""
    from mypyc.build import mypycify

    sources = [str(PACKAGE / f"{name}.py") for name in native.MODULES]
    with TemporaryDirectory() as temporary:
        extensions = mypycify([*OPTIONS, *sources], target_dir=temporary, group_name=LIBRARY, debug_level="0")
        command = build_ext(Distribution({"name": "affectstream", "ext_modules": extensions}))
        command.build_lib, command.build_temp = f"{temporary}/libraries", f"{temporary}/objects"
        command.ensure_finalized()
        command.run()
        target.mkdir(parents=True, exist_ok=True)
        for library in Path(command.build_lib, PACKAGE).iterdir():
            shutil.move(library, target / library.name)
    (target / native.DIGEST).write_text(native.digest(PACKAGE), encoding="ascii")


class Build(build_py):
    """Adds what is compiled to the files of the package: to the checkout's where it is installed as such."""

    def run(self) -> None:
        """Gather the files; what cannot be compiled is left out, and said to be."""
        super().run()
        target = (PACKAGE if self.editable_mode else Path(self.build_lib, PACKAGE)) / native.FOLDER
        shutil.rmtree(target, ignore_errors=True)
        if os.environ.get(native.PURE):
            return
        try:
            compile_join(target)
        except (BaseError, ImportError, SystemExit) as error:
            shutil.rmtree(target, ignore_errors=True)
            sys.stderr.write(f"affectstream: the join is not compiled and will run as Python: {error}\n")


class OfThisPlatform(Distribution):
    """A distribution that may hold compiled modules: its wheel is for one Python and platform."""

    def has_ext_modules(self) -> bool:
        """Say what decides the name of the wheel."""
        return not os.environ.get(native.PURE)


setup(cmdclass={"build_py": Build}, distclass=OfThisPlatform)
