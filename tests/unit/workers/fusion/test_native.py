"""The compiled join runs where it is of these sources, and gives the bytes that Python gives."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from support.paths import ROOT

from affectstream.workers import fusion
from affectstream.workers.fusion import native

FINALS = """
import hashlib, random
from affectstream.runtime.settings import load
from affectstream.schemas.observations import record
from affectstream.workers.fusion import join
from affectstream.workers.fusion.config import configured
from benchmarks.workload import session

dice, fusion, found, panes = random.Random(5), configured(load().fusion), hashlib.sha256(), 0
items = [record(item) for name in ("one", "two", "three") for item in session(name, seconds=40)]
items += dice.sample(items, 300)  # duplicates
items.sort(key=lambda item: item.start_ms + dice.uniform(0, 3000))  # in disorder
process = fusion.join()
for offset, item in enumerate(items):
    process.add(offset, [item])
    if offset % 50 == 0:
        effects = process.take_effects()
        for pane in ("final", "early"):
            closed = effects.finals if pane == "final" else effects.early
            for message in fusion.fuser.fuse(closed, pane).panes:
                found.update(message.packed)
                panes += 1
        found.update(repr([(refused.reason, refused.offset) for refused in effects.refused]).encode())
print(join.__file__.rpartition(".")[2], process.needed_from(), process.duplicates, found.hexdigest(), panes)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose modules have been compiled."""
    for name in native.MODULES:
        (tmp_path / f"{name}.py").write_text(f"NAME = {name!r}\n")
    (tmp_path / native.FOLDER).mkdir()
    (tmp_path / native.FOLDER / native.DIGEST).write_text(native.digest(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the tests run with."""
    monkeypatch.delenv(native.PURE, raising=False)


def test_what_was_compiled_of_these_sources_is_used(package: Path) -> None:
    assert native.compiled(package) == package / native.FOLDER


@pytest.mark.parametrize("name", native.MODULES)
def test_what_was_compiled_of_other_sources_is_not(package: Path, name: str) -> None:
    with (package / f"{name}.py").open("a") as source:
        source.write("# changed\n")
    assert native.compiled(package) is None


def test_without_anything_compiled_python_runs(package: Path) -> None:
    (package / native.FOLDER / native.DIGEST).unlink()
    assert native.compiled(package) is None


def test_python_runs_where_that_is_asked_for(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.PURE, "1")
    assert native.compiled(package) is None


def test_all_modules_of_the_join_or_none_are_the_compiled_ones() -> None:
    modules = [import_module(f"{fusion.__name__}.{name}") for name in native.MODULES]
    assert {Path(str(module.__file__)).suffix for module in modules} == {".so" if fusion.COMPILED else ".py"}


@pytest.mark.skipif(fusion.COMPILED is None, reason="the join is not compiled here: no C compiler")
def test_compiled_and_as_python_the_join_gives_the_same_bytes() -> None:
    compiled, python = (
        subprocess.run(
            [sys.executable, "-c", FINALS],
            env=os.environ | environment | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split(maxsplit=1)
        for environment in ({}, {native.PURE: "1"})
    )
    assert (compiled[0], python[0]) == ("so", "py")
    assert compiled[1] == python[1]
    assert int(python[1].split()[-1]) >= 100  # panes of three calls of forty seconds
