"""Proof: the built package holds one folder, and every extra, installed alone, runs what it is for."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import wave
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.installed import Installed, uv
from support.paths import ROOT
from support.system import DEMO

from affectstream.runtime.settings import Settings, as_env
from affectstream.workers.fusion import native

pytestmark = [pytest.mark.integration, pytest.mark.proof, pytest.mark.timeout(600)]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SHIPPED = sorted(set(PROJECT["optional-dependencies"]) - {"dev"})
FOLDERS = (
    "affectstream",
    "analytics",
    "dashboards",
    "lab",
    "models",
    "producers",
    "runtime",
    "schemas",
    "workers",
)
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(getattr(package, "__path__", ()), name + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""
JOIN = """
from affectstream.workers.fusion import join
print(join.__file__.rpartition(".")[2], join.Join(1000, 5000, ()).open_windows(), "open")
"""
PURPOSE = {  # the packages that an extra is for: all of their modules can be imported
    "capture": tuple(f"producers.{path.stem}" for path in (ROOT / "producers").glob("[a-z]*.py")),
    "fusion": ("workers.fusion",),
    "inference": (
        "models.face",
        "models.voice",
        "models.text",
        "workers.video",
        "workers.audio",
        "workers.text",
    ),
    "hub": ("models.hub", "models.face", "models.voice", "models.text", "models.fusion"),
    "asr": ("models.asr.speech", "models.asr.whisper", "workers.asr"),
    "dashboards": ("dashboards",),
    "embedded": (
        "runtime.kafka",
        "runtime.settings",
        *(f"runtime.{path.stem}" for path in (ROOT / "runtime").glob("[a-z]*.py")),
    ),
    "recording": ("runtime.recording", "workers.recorder"),
    "gateway": ("producers.gateway.server", "producers.gateway.connection"),
    "plot": ("plot",),
    "training": ("lab",),
    "all": ("analytics", "dashboards", "lab", "models", "producers", "runtime", "schemas", "workers"),
}
NEEDED = {  # what a command says to install where no extra is
    ("analyze", str(DEMO)): "capture",
    ("replay", str(DEMO)): "capture",
    ("worker", "video"): "inference",
    ("worker", "asr"): "asr",
    ("worker", "fusion"): "fusion",
    ("worker", "api"): "dashboards",
    ("gateway",): "gateway",
    ("record",): "recording",
    ("up",): "embedded",
    ("fusion", "compare"): "training",
}
PROCESSES = {
    "fusion": ("fusion",),
    "inference": ("video", "audio", "text"),
    "asr": ("asr",),
    "dashboards": ("api",),
}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the source distribution and of the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--quiet", "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture
def environment() -> Iterator[Installed]:
    """An empty environment beside the checkout's own, so that packages are linked and not copied."""
    folder = ROOT / ".cache" / f"installed-{os.getpid()}"
    (folder / "here").mkdir(parents=True)
    uv("venv", "--quiet", "--python", sys.executable, folder / "here" / "venv")
    yield Installed(folder / "here" / "venv")
    shutil.rmtree(folder)


def silence(path: Path) -> Path:
    """Write three seconds of silence."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(2 * 3 * 16_000))
    return path


def install(environment: Installed, url: str, extra: str = "") -> None:
    """Install the package from a URL, with an extra, at the versions of the lock."""
    what = f"affectstream[{extra}] @ {url}" if extra else f"affectstream @ {url}"
    python = environment.folder / "bin" / "python"
    lock = ("-c", ROOT / "requirements.lock", "--override", ROOT / "scripts" / "cpu-only.txt")
    uv("pip", "install", "--quiet", "--python", python, *lock, what)
    if extra in ("inference", "all"):
        uv(
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--no-deps",
            "-r",
            ROOT / "scripts" / "detector.txt",
        )


def test_the_wheel_holds_one_package_and_all_of_its_data(dist: Path, wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"affectstream"}
    listing = ["git", "ls-files", *FOLDERS]
    tracked = subprocess.run(
        listing, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = [name for name in tracked if not (ROOT / name).is_symlink()]
    expected = {f"affectstream/{name.removeprefix('affectstream/')}" for name in files}
    assert expected <= set(names), sorted(expected - set(names))
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert not [member.name for member in archive.getmembers() if member.issym()]


def test_the_wheel_holds_the_compiled_join(environment: Installed, wheel: Path) -> None:
    install(environment, wheel.as_uri(), "fusion")
    assert "so 0 open" in environment.run("python", "-c", JOIN)
    assert "py 0 open" in environment.run("python", "-c", JOIN, **{native.PURE: "1"})


def test_it_installs_from_a_repository(environment: Installed) -> None:
    python = environment.folder / "bin" / "python"
    uv(
        "pip",
        "install",
        "--quiet",
        "--python",
        python,
        "-c",
        ROOT / "requirements.lock",
        f"git+{ROOT.as_uri()}",
    )
    assert "analyze" in environment.run("affectstream", "--help")


def test_without_an_extra_a_command_says_which_one_it_needs(environment: Installed, wheel: Path) -> None:
    install(environment, wheel.as_uri())
    for command in (["--help"], ["config"], ["topics", "--help"]):
        environment.run("affectstream", *command)
    for command, extra in NEEDED.items():
        said = environment.run("affectstream", *command, code=2)
        assert re.search(rf"pip install 'affectstream\[[\w,]*\b{extra}\b[\w,]*\]'", said), said
        assert "Traceback" not in said


@pytest.mark.parametrize("extra", SHIPPED)
async def test_an_extra_alone_runs_what_it_is_for(
    extra: str, environment: Installed, wheel: Path, broker_settings: Settings
) -> None:
    install(environment, wheel.as_uri(), extra)
    environment.run("python", "-c", IMPORT_ALL, *(f"affectstream.{name}" for name in PURPOSE[extra]))
    settings = as_env(broker_settings)
    for name in PROCESSES.get(extra, ()):
        environment.serve(name, settings)
    if extra == "capture":
        environment.run("affectstream", "replay", silence(environment.folder.parent / "call.wav"), **settings)
        for module in ("camera", "microphone"):
            environment.run("python", "-m", f"affectstream.producers.{module}", "--help")
    if extra == "training":
        environment.run("affectstream", "train", "--help")
    if extra == "all":
        assert "BlazeFace" in environment.run("affectstream", "licences")
        environment.run("affectstream", "analyze", DEMO, "-o", "out.jsonl", "--plot", "out.svg")
        assert (environment.folder.parent / "out.svg").stat().st_size > 10_000
