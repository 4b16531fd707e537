"""Log-mel windows of every corpus of speech, clean and through drawn lines, made once and kept."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from affectstream.lab.datasets import readers
from affectstream.lab.datasets.clips import SUFFIXES
from affectstream.lab.datasets.files import candidates
from affectstream.lab.datasets.ravdess import load
from affectstream.lab.datasets.sounds import SOUNDS
from affectstream.lab.evaluation.windows import cut
from affectstream.lab.training.augment.lines import drawn
from affectstream.lab.training.corpus import Indices
from affectstream.lab.training.files import arrays, whole
from affectstream.models.voice import features
from affectstream.models.voice.quality import is_silent

Halves = npt.NDArray[np.float16]
Source = tuple[int, Path, str]  # row of a clip, its file, and the name that its chance is drawn by

HOME = "ravdess"
CORPORA = (HOME, "tess", "nemo", "turev", "emospeech")
WEAK = ("emospeech",)  # never judged by
CALLS = "calls"
ANNOUNCERS = "announcers"
HELD_CALLS = ("auto0",)  # beginnings of the names of calls that training never hears
SHARES = {"tess": 0.3, "nemo": 0.5, "emospeech": 0.4}  # of the clips in a drawn copy: many takes, few voices
CLEAN = "clean"
LEAST_S = 0.6  # of the first window of a clip
LONG_S = 30.0  # a call: what is left after its last whole second is left away
PHASE_S = (0.3, 1.3)  # where the first window of a drawn copy ends
AT_ONCE = 32  # clips that a process takes
N_SOUNDS = 120  # of each kind
LEARNT_SOUNDS = ("noise", "engines")  # the others judge how sounds never heard are told apart


@dataclass(frozen=True)
class Windows:
    """Log-mel windows and the rows of the clips that they are cut from."""

    inputs: Halves  # (windows, 80, 200)
    clip: Indices  # (windows,)
    name: str  # of the corpus and the copy
    key: str  # of what they were made of


@dataclass(frozen=True)
class Kept:
    """Where windows are kept, and how many processes make them."""

    cache: Path
    processes: int = 1


def read_corpora(data: Path) -> dict[str, readers.View]:
    """Return every corpus of CORPORA that lies in ``data``; raises InputError where RAVDESS does not."""
    found = {}
    for name in CORPORA:
        there = [path for path in candidates(name, data)[: 2 if name == HOME else 1] if path.is_dir()]
        if there or name == HOME:
            folder = next((path for path in there if any(path.glob("Actor_*"))), data)
            found[name] = readers.view(name, folder if name == HOME else there[0])
    return found


def of_corpus(name: str, view: readers.View, copy: str, kept: Kept) -> Windows:
    """Return the windows of one ``copy`` of a corpus, from the cache where they were made before."""
    files = sorted([*(clip.path for clip in view.items), *(path for path, _ in view.skipped)])
    number = {path: i for i, path in enumerate(files)}
    sources = [(row, clip.path, f"{copy}/{name}/{number[clip.path]}") for row, clip in enumerate(view.items)]
    share = 1.0 if copy == CLEAN else SHARES.get(name, 1.0)
    return _made_once(kept, f"{name}-{copy}", _digest(view), sources, copy, share)


def over_lines(name: str, view: readers.View, lines: Sequence[str], copy: str, kept: Kept) -> Windows:
    """Return the windows of one drawn ``copy`` in which clips of the same line (one each) are drawn alike."""
    sources = [(row, clip.path, f"{copy}/{name}/{lines[row]}") for row, clip in enumerate(view.items)]
    digest = hashlib.sha256(f"{_digest(view)} {' '.join(lines)}".encode()).hexdigest()
    return _made_once(kept, f"{name}-lines-{copy}", digest, sources, copy, SHARES.get(name, 1.0))


def _digest(view: readers.View) -> str:
    return hashlib.sha256("".join(clip.sha256 for clip in view.items).encode()).hexdigest()


def of_calls(folder: Path, copy: str, kept: Kept) -> Windows:
    """Return the windows of the recordings in ``folder`` but HELD_CALLS; none where there are none.

    A row of ``clip`` is a recording, in the order of their names.
    """
    files = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES)
    learnt = [path for path in files if not path.name.startswith(HELD_CALLS)]
    sources = [(i, path, f"{copy}/{folder.name}/{i}") for i, path in enumerate(learnt)]
    digest = hashlib.sha256("".join(path.name for path in learnt).encode()).hexdigest()
    return _made_once(kept, f"{folder.name}-{copy}", digest, sources, copy, 1.0)


def of_sounds(kinds: Sequence[str], n: int = N_SOUNDS) -> Halves:
    """Return the windows (n * kinds, 80, 200) of ``n`` sounds of each kind, every other through a line."""
    found = [np.zeros((0, features.N_MELS, features.FRAMES), np.float16)]
    for kind in kinds:
        for i in range(n):
            rng = np.random.default_rng((list(SOUNDS).index(kind), i))
            samples = SOUNDS[kind](rng)
            heard = drawn(samples, rng) if i % 2 else (samples, features.RATE_HZ)
            found.append(features.features(*heard)[None].astype(np.float16))
    return np.concatenate(found)


def _made_once(
    kept: Kept, name: str, digest: str, sources: Sequence[Source], copy: str, share: float
) -> Windows:
    path = kept.cache / f"voice-{name}.npz"
    if path.exists():
        found = arrays(path)
        if str(found["key"]) == digest:
            return Windows(
                found["inputs"].astype(np.float16, copy=False), found["clip"].astype(np.int64), name, digest
            )
    parts = [sources[start : start + AT_ONCE] for start in range(0, len(sources), AT_ONCE)]
    cuts = partial(_cuts, copy=copy, share=share)
    if kept.processes > 1:
        with ProcessPoolExecutor(kept.processes, initializer=threadpool_limits, initargs=(1,)) as pool:
            made = list(chain.from_iterable(pool.map(cuts, parts)))
    else:
        made = list(chain.from_iterable(map(cuts, parts)))
    shape = (len(made), features.N_MELS, features.FRAMES)
    inputs = np.stack([window for _, window in made]) if made else np.zeros(shape, np.float16)
    windows = Windows(inputs, np.array([row for row, _ in made], dtype=np.int64), name, digest)
    whole(path, lambda part: np.savez(part, inputs=inputs, clip=windows.clip, key=np.array(digest)))
    return windows


def _cuts(sources: Sequence[Source], copy: str, share: float) -> list[tuple[int, Halves]]:
    """Return the log-mel windows (80, 200) of a ``share`` of the clips with the row of each.

    A clip's draws depend on the name of its source alone. Its windows are those that are not silent before
    the line, cut every second.
    """
    found = []
    for row, path, source in sources:
        rng = np.random.default_rng(zlib.crc32(source.encode()))
        if share < 1 and rng.random() < 1 - share:
            continue
        samples = features.resample(*load(path))
        changed, rate_hz = (samples, features.RATE_HZ) if copy == CLEAN else drawn(samples, rng)
        first_s = 1.0 if copy == CLEAN else rng.uniform(*PHASE_S)
        longer = len(changed) / rate_hz / (len(samples) / features.RATE_HZ)
        for start, end in _spans(len(samples) / features.RATE_HZ, first_s):
            if not is_silent(cut(samples, features.RATE_HZ, (start, end)), features.RATE_HZ):
                window = cut(changed, rate_hz, (end * longer - (end - start), end * longer))
                if np.abs(window).max(initial=0) > 1e-5:
                    found.append((row, features.features(window, rate_hz).astype(np.float16)))
    return found


def _spans(length_s: float, first_s: float) -> Iterator[tuple[float, float]]:
    """Yield the windows of the stream whose first hop ends at ``first_s``."""
    ends = [*np.arange(first_s, length_s, 1.0), *([length_s] if length_s < LONG_S else [])]
    return ((max(0.0, end - features.WINDOW_S), end) for end in map(float, ends) if end >= LEAST_S)
