"""Recorded speech out of Debian's packages: fetched, and what somebody says joined to a recording."""

import random
import subprocess
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from affectstream.lab.evaluation.windows import Samples
from affectstream.lab.training.files import whole
from affectstream.schemas.errors import InputError

PAUSE_S, CALL_S = 0.6, 600.0
NO_SPEECH = ("silence", "tone", "beep")  # in the names of sounds


def unpack(names: Sequence[str], packages: Path | None, folder: Path) -> None:
    """Unpack packages into ``folder``, fetched with ``apt-get download`` where ``packages`` lacks them.

    Raises InputError where they cannot be had.
    """
    for name in names:
        there = sorted((packages or folder).glob(f"{name}_*.deb"))
        if not there:
            _ran(["apt-get", "download", name], folder)
            there = sorted(folder.glob(f"{name}_*.deb"))
        _ran(["dpkg-deb", "-x", str(there[-1].absolute()), "."], folder)


def spoken(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files below ``folder`` with such suffixes in the order of their names, but for tones."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())
    return [path for path in files if not any(word in str(path.relative_to(folder)) for word in NO_SPEECH)]


def joined(prompts: Sequence[Samples], rate_hz: int) -> Samples:
    """Return prompts in a drawn order that is always the same, with PAUSE_S after each, as long as a call."""
    drawn = list(prompts)
    random.Random(0).shuffle(drawn)
    pause = np.zeros(round(PAUSE_S * rate_hz), np.float32)
    return np.concatenate([part for each in drawn for part in (each, pause)])[: round(CALL_S * rate_hz)]


def write(path: Path, samples: Samples, rate_hz: int) -> None:
    """Write a recording as FLAC, whole or not at all."""
    whole(path, partial(soundfile.write, data=samples, samplerate=rate_hz, format="FLAC"))


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
