"""Acted speech by speaker and emotion, for calls with staged emotions.

Only the lists beside the recordings are read: ``labels.csv`` with path, emotion, and speaker or actor.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np
from librosa.effects import trim

from affectstream.lab.calls.lines import LINE_HZ, LINES, WIDE_HZ, at_rate, telephone
from affectstream.lab.calls.recordings import Recording, Samples, load
from affectstream.lab.datasets.files import candidates

CORPORA = {"ravdess": "RAVDESS", "nemo": "nEMO", "tess": "TESS", "turev": "TurEV-DB"}
NAMES = {
    "neutral": "neutral",
    "calm": "neutral",
    "angry": "angry",
    "anger": "angry",
    "happy": "happy",
    "happiness": "happy",
    "sad": "sad",
    "sadness": "sad",
    "fear": "fear",
}
NEEDED = {"neutral", "angry", "happy"}  # of every speaker; not every corpus has the others
TRIM_DB = 35.0
PAUSE_S = 0.3  # between two sentences of a reel
LINE = "mu-law"  # of every reel, after the band of a telephone channel


@dataclass(frozen=True)
class Speaker:
    """One speaker of a corpus, and the recordings by emotion in the order of their paths."""

    corpus: str
    name: str
    clips: dict[str, tuple[Path, ...]]

    @property
    def title(self) -> str:
        """Return the corpus and the name."""
        return f"{CORPORA[self.corpus]} {self.name}"

    def part(self, emotion: str, half: int) -> "Speaker":
        """Return the speaker with every other recording of an emotion; one alone is in both halves."""
        chosen = self.clips[emotion][half::2] or self.clips[emotion]
        return replace(self, clips=self.clips | {emotion: chosen})


def speakers(data: Path | None) -> tuple[Speaker, ...]:
    """Return the speakers of the corpora at hand who act all of the emotions of ``NEEDED``."""
    found = (speaker for corpus in CORPORA for speaker in _speakers(corpus, data))
    return tuple(speaker for speaker in found if set(speaker.clips) >= NEEDED)


def reel(speaker: Speaker, emotion: str, seconds: float, level: float) -> Samples:
    """Return at least so many seconds of a speaker's acted ``emotion``, by telephone at 8 kHz.

    Sentences are taken evenly from all there are, again from the first where they are too few. ``level`` is
    the root mean square of the speech.
    """
    paths = speaker.clips[emotion]
    parts: list[Samples] = []
    for row in cycle(_evenly(len(paths))):
        parts += [_sentence(paths[row]), np.zeros(round(PAUSE_S * LINE_HZ), np.float32)]
        if sum(map(len, parts)) >= seconds * LINE_HZ:
            break
    sound = np.concatenate(parts)
    scaled = sound * np.float32(level / max(loudness(sound), 1e-9))
    return LINES[LINE](Recording(speaker.title, scaled, LINE_HZ)).samples


def wideband(corpus: str, actors: Sequence[Speaker]) -> Recording:
    """Return a sentence of every emotion by every speaker of a corpus, as recorded, at 16 kHz."""
    sentences = [load(actor.clips[emotion][0]) for actor in actors for emotion in sorted(actor.clips)]
    return Recording(corpus, np.concatenate([at_rate(WIDE_HZ)(said).samples for said in sentences]), WIDE_HZ)


def loudness(samples: Samples) -> float:
    """Return the root mean square of the louder half of the 20 ms frames that are not silent."""
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(np.float64)
    levels = np.sort(np.sqrt((frames**2).mean(axis=1)))
    heard = levels[levels > 1e-4]
    return float(np.sqrt((heard[len(heard) // 2 :] ** 2).mean())) if len(heard) else 0.0


def _speakers(corpus: str, data: Path | None) -> Iterator[Speaker]:
    folder = next((f for f in candidates(corpus, data) if (f / "labels.csv").exists()), None)
    if folder is None or not any((folder / row["path"]).exists() for row in _rows(folder)[:1]):
        return
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(folder):
        if row["emotion"] in NAMES:
            found[row.get("speaker") or row["actor"]][NAMES[row["emotion"]]].append(folder / row["path"])
    for name in sorted(found):
        yield Speaker(corpus, name, {e: tuple(sorted(paths)) for e, paths in sorted(found[name].items())})


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _evenly(count: int) -> Sequence[int]:
    """Return all of ``count`` rows in an order whose every beginning is spread over them."""
    return sorted(range(count), key=lambda i: int(f"{i:016b}"[::-1], 2))  # the bits of the row reversed


def _sentence(path: Path) -> Samples:
    """Return the spoken part of a recording within the band of a telephone channel, at one level."""
    sound = telephone(load(path)).samples
    spoken, _ = trim(sound, top_db=TRIM_DB)
    return np.asarray(spoken / max(loudness(spoken), 1e-9), dtype=np.float32)
