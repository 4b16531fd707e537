"""Recordings of calm people whom no training heard, for the bench of calls.

    python -m affectstream.lab.calls.strangers [--folder runs/strangers] [--packages FOLDER]

Debian's packages of two announcers of telephone systems, and of people who read letters, syllables and words
for children who learn them, are fetched with ``apt-get download`` where they do not lie in FOLDER, and what
is said in each language is joined to one recording. Nobody in them says what anybody feels: all is taken to
be calm.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, NamedTuple

import av
import numpy as np
import soxr
import typer
from rich.console import Console

from affectstream.lab import script
from affectstream.lab.calls.recordings import Samples
from affectstream.lab.packages import joined, spoken, unpack, write
from affectstream.producers.audio import mono

FOLDER = Path("runs/strangers")
MADE_BY = "python -m affectstream.lab.calls.strangers"
SUFFIXES = (".gsm", ".ogg", ".wav")


class Source(NamedTuple):
    """Where in a package sounds lie, in a folder for each language."""

    package: str
    folder: str
    rate_hz: int
    least_s: float  # a sound that is shorter is left out


ANNOUNCERS, LETTERS, WORDS = "announcers", "letters", "words"
SOURCES: Mapping[str, tuple[Source, ...]] = {
    ANNOUNCERS: (
        Source("asterisk-prompt-es-co", "usr/share/asterisk/sounds/es", 8_000, 1.0),
        Source("asterisk-prompt-fr-armelle", "usr/share/asterisk/sounds/fr", 8_000, 1.0),
    ),
    LETTERS: (Source("klettres-data", "usr/share/klettres/*", 16_000, 0.4),),
    WORDS: (Source("ktuberling-data", "usr/share/ktuberling/sounds/*", 16_000, 0.4),),
}
LEAST_S = 30.0  # of a recording


def strangers(folder: Path) -> dict[str, list[Path]]:
    """Return the recordings in ``folder`` by kind, none where the folder is not there."""
    found = {kind: sorted(folder.glob(f"{kind}-*.flac")) for kind in SOURCES}
    return {kind: paths for kind, paths in found.items() if paths}


def prompts(folder: Path, rate_hz: int, least_s: float) -> list[Samples]:
    """Return the sounds in ``folder`` of ``least_s`` or more, in the order of their names, at ``rate_hz``."""
    paths = spoken(folder, SUFFIXES)
    return [x for path in paths if len(x := _sound(path, rate_hz)) > least_s * rate_hz]


def _sound(path: Path, rate_hz: int) -> Samples:
    """Return a sound as one channel at ``rate_hz``; nothing of what cannot be decoded."""
    try:
        with av.open(str(path), metadata_errors="ignore") as file:
            native_hz = file.streams.audio[0].rate
            blocks = [mono(frame, None) for frame in file.decode(audio=0)]
    except (av.error.FFmpegError, IndexError):
        return np.zeros(0, np.float32)
    whole = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    resampled: Samples = soxr.resample(whole, native_hz, rate_hz)
    return np.clip(resampled, -1, 1).astype(np.float32)


def main(
    folder: Annotated[Path, typer.Option(help="where the recordings are written")] = FOLDER,
    packages: Annotated[Path | None, typer.Option(help="folder of the .deb files")] = None,
) -> None:
    """Write a recording for each language."""
    out = Console()
    folder.mkdir(parents=True, exist_ok=True)
    for kind, sources in SOURCES.items():
        for source in sources:
            for path, seconds in _written(source, kind, folder, packages):
                out.print(f"{path}: {seconds:.0f} s")


def _written(source: Source, kind: str, folder: Path, packages: Path | None) -> Iterator[tuple[Path, float]]:
    with TemporaryDirectory() as scratch:
        unpack([source.package], packages, Path(scratch))
        for language in sorted(path for path in Path(scratch).glob(source.folder) if path.is_dir()):
            said = prompts(language, source.rate_hz, source.least_s)
            samples = joined(said, source.rate_hz) if said else np.zeros(0, np.float32)
            if len(samples) > LEAST_S * source.rate_hz:
                path = folder / f"{kind}-{language.name}.flac"
                write(path, samples, source.rate_hz)
                yield path, len(samples) / source.rate_hz


if __name__ == "__main__":
    script.run(main)
