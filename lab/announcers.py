"""Recordings of announcers of telephone systems: neutral voices without labels, beside calls.

    python -m affectstream.lab.announcers [--cache runs/features] [--packages FOLDER]

Debian's prompts for Asterisk are fetched with ``apt-get download`` where their packages do not lie in FOLDER,
and those of each voice are joined to one recording, as long as a call. ``affectstream train voice`` learns
from what it finds there. The prompts are CC BY-SA 3.0 (Allison Smith, June Wallack, Paola Dal Zot) and CC BY
3.0 (Carlo Flora, Maxim Topal).
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from affectstream.lab import script
from affectstream.lab.calls.recordings import Samples, load
from affectstream.lab.packages import joined, spoken, unpack, write
from affectstream.lab.training.speech import ANNOUNCERS
from affectstream.schemas.errors import InputError

PACKAGES = (
    *(f"asterisk-core-sounds-{language}-wav" for language in ("en", "es", "fr", "it", "ru")),
    "asterisk-prompt-it-menardi-wav",
)
SOUNDS = Path("usr/share/asterisk/sounds")
VOICES = "??_??_?_*"  # language, country, f or m, and who speaks
RATE_HZ = 8000
LEAST_S = 1.0


def prompts(folder: Path) -> list[Samples]:
    """Return the prompts in ``folder`` of LEAST_S or more, at RATE_HZ.

    Raises InputError where none is there, or one cannot be decoded.
    """
    found = map(load, spoken(folder, [".wav"]))
    speech = [each.samples for each in found if each.rate_hz == RATE_HZ and each.seconds > LEAST_S]
    if not speech:
        raise InputError(f"{folder} holds no prompts at {RATE_HZ} Hz")
    return speech


def main(
    cache: Annotated[Path, typer.Option(help="where features of trainings are kept")] = Path("runs/features"),
    packages: Annotated[Path | None, typer.Option(help="folder of the .deb files")] = None,
) -> None:
    """Write one recording of each announcer."""
    out, folder = Console(), cache / ANNOUNCERS
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        unpack(PACKAGES, packages, Path(scratch))
        for voice in sorted(path for path in (Path(scratch) / SOUNDS).glob(VOICES) if path.is_dir()):
            samples, path = joined(prompts(voice), RATE_HZ), folder / f"{voice.name}.flac"
            write(path, samples, RATE_HZ)
            out.print(f"{path}: {len(samples) / RATE_HZ:.0f} s")


if __name__ == "__main__":
    script.run(main)
