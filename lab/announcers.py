"""Recordings of announcers of telephone systems: neutral voices without labels, beside calls.

    python -m affectstream.lab.announcers [--cache runs/features] [--packages FOLDER]

Debian's prompts for Asterisk are fetched with ``apt-get download`` where their packages do not lie in FOLDER,
and those of each voice are joined to one recording, as long as a call. ``affectstream train voice`` learns
from what it finds there. The prompts are CC BY-SA 3.0 (Allison Smith, June Wallack, Paola Dal Zot) and CC BY
3.0 (Carlo Flora, Maxim Topal).
"""

import random
import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import soundfile
import typer
from rich.console import Console

from affectstream.lab import script
from affectstream.lab.evaluation.windows import Samples
from affectstream.lab.training.files import whole
from affectstream.lab.training.speech import ANNOUNCERS
from affectstream.schemas.errors import InputError

PACKAGES = (
    *(f"asterisk-core-sounds-{language}-wav" for language in ("en", "es", "fr", "it", "ru")),
    "asterisk-prompt-it-menardi-wav",
)
SOUNDS = Path("usr/share/asterisk/sounds")
VOICES = "??_??_?_*"  # language, country, f or m, and who speaks
NO_SPEECH = ("silence", "tone", "beep")
RATE_HZ = 8000
LEAST_S, PAUSE_S, CALL_S = 1.0, 0.6, 600.0


def joined(folder: Path) -> Samples:
    """Return the prompts in ``folder`` of LEAST_S or more, in a drawn order that is always the same.

    Samples are at RATE_HZ, CALL_S of them at most, with PAUSE_S after each prompt. Raises InputError where
    none is there.
    """
    paths = sorted(p for p in folder.rglob("*.wav") if not _beeps(p.relative_to(folder)))
    prompts = [soundfile.read(path, dtype="float32", always_2d=True) for path in paths]
    speech = [x.mean(axis=1) for x, rate_hz in prompts if rate_hz == RATE_HZ and len(x) > LEAST_S * rate_hz]
    if not speech:
        raise InputError(f"{folder} holds no prompts at {RATE_HZ} Hz")
    random.Random(0).shuffle(speech)
    pause = np.zeros(round(PAUSE_S * RATE_HZ), np.float32)
    return np.concatenate([part for each in speech for part in (each, pause)])[: round(CALL_S * RATE_HZ)]


def _beeps(prompt: Path) -> bool:
    return any(word in str(prompt) for word in NO_SPEECH)


def unpacked(packages: Path | None, folder: Path) -> Path:
    """Return where in ``folder`` the packages' sounds lie; raises InputError where they cannot be had."""
    for name in PACKAGES:
        there = sorted((packages or folder).glob(f"{name}_*.deb"))
        if not there:
            _ran(["apt-get", "download", name], folder)
            there = sorted(folder.glob(f"{name}_*.deb"))
        _ran(["dpkg-deb", "-x", str(there[-1].absolute()), "."], folder)
    return folder / SOUNDS


def _ran(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise InputError(f"{command[0]} is not on this machine: only Debian and its kin have it") from error
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise InputError(
            f"{' '.join(command)} failed: {why[0]}; after apt-get update, or with --packages and a folder of "
            "the .deb files, it may not"
        ) from error


def main(
    cache: Annotated[Path, typer.Option(help="where features of trainings are kept")] = Path("runs/features"),
    packages: Annotated[Path | None, typer.Option(help="folder of the .deb files")] = None,
) -> None:
    """Write one recording of each announcer."""
    out, folder = Console(), cache / ANNOUNCERS
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        voices = sorted(path for path in unpacked(packages, Path(scratch)).glob(VOICES) if path.is_dir())
        for voice in voices:
            samples, path = joined(voice), folder / f"{voice.name}.flac"
            whole(path, partial(soundfile.write, data=samples, samplerate=RATE_HZ, format="FLAC"))
            out.print(f"{path}: {len(samples) / RATE_HZ:.0f} s")


if __name__ == "__main__":
    script.run(main)
