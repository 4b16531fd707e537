"""Statistics of the windows of every corpus of speech, clean and through drawn lines, made once and kept."""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

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
from affectstream.models.voice.network import loud, statistics
from affectstream.models.voice.quality import is_silent

Samples = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Report = Callable[[str], None]

HOME = "ravdess"
CORPORA = (HOME, "tess", "nemo", "turev", "emospeech")
WEAK = ("emospeech",)  # never judged by
CALLS = "calls"
HELD_CALLS = ("auto0",)  # beginnings of the names of calls that training never hears
SHARES = {"tess": 0.3, "nemo": 0.5, "emospeech": 0.4}  # of the clips in a drawn copy: many takes, few voices
CLEAN = "clean"
LEAST_S = 0.6  # of the first window of a clip
LONG_S = 30.0  # a call: what is left after its last whole second is left away
PHASE_S = (0.3, 1.3)  # where the first window of a drawn copy ends
AT_ONCE = 32
N_SOUNDS = 120  # of each kind
LEARNT_SOUNDS = ("noise", "engines")  # the others judge how sounds never heard are told apart


@dataclass(frozen=True)
class Windows:
    """Statistics of windows and the rows of the clips that they are cut from."""

    stats: Halves  # (windows, size)
    clip: Indices  # (windows,)


@dataclass(frozen=True)
class Encoded:
    """What turns log-mel windows into statistics, and the name of its weights."""

    encoder: nn.Module
    name: str  # changes with the weights

    def stats(self, windows: Sequence[Samples]) -> Halves:
        """Return the statistics (n, size) of log-mel windows (80, 200)."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(windows), AT_ONCE):
                x = torch.from_numpy(np.stack(windows[start : start + AT_ONCE]))
                blocks = self.encoder(x.to(next(self.encoder.parameters()).dtype))
                found.append(statistics([block.float() for block in blocks], loud(x)).half().numpy())
        return np.concatenate(found)


def read_corpora(data: Path) -> dict[str, readers.View]:
    """Return every corpus of CORPORA that lies in ``data``; raises InputError where RAVDESS does not."""
    found = {}
    for name in CORPORA:
        there = [path for path in candidates(name, data)[: 2 if name == HOME else 1] if path.is_dir()]
        if there or name == HOME:
            folder = next((path for path in there if any(path.glob("Actor_*"))), data)
            found[name] = readers.view(name, folder if name == HOME else there[0])
    return found


def of_corpus(name: str, view: readers.View, copy: str, encoded: Encoded, cache: Path) -> Windows:
    """Return the windows of one ``copy`` of a corpus, from ``cache`` where they were made before."""
    files = sorted([*(clip.path for clip in view.items), *(path for path, _ in view.skipped)])
    number = {path: i for i, path in enumerate(files)}
    sources = [(clip.path, f"{copy}/{name}/{number[clip.path]}") for clip in view.items]
    digest = hashlib.sha256("".join(clip.sha256 for clip in view.items).encode()).hexdigest()
    share = 1.0 if copy == CLEAN else SHARES.get(name, 1.0)
    return _kept(cache / f"voice-{name}-{copy}.npz", digest, encoded, lambda: _cuts(sources, copy, share))


def of_calls(folder: Path, copy: str, encoded: Encoded, cache: Path) -> Windows:
    """Return the windows of the calls in ``folder`` but those of HELD_CALLS; none where there are none."""
    files = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES)
    learnt = [path for path in files if not path.name.startswith(HELD_CALLS)]
    sources = [(path, f"{copy}/{CALLS}/{i}") for i, path in enumerate(learnt)]
    digest = hashlib.sha256("".join(path.name for path in learnt).encode()).hexdigest()
    return _kept(cache / f"voice-{CALLS}-{copy}.npz", digest, encoded, lambda: _cuts(sources, copy, 1.0))


def of_sounds(kinds: Sequence[str], encoded: Encoded, n: int = N_SOUNDS) -> Halves:
    """Return the statistics of ``n`` sounds of each kind, every other one through a drawn line."""
    found = []
    for kind in kinds:
        for i in range(n):
            rng = np.random.default_rng((list(SOUNDS).index(kind), i))
            samples = SOUNDS[kind](rng)
            found.append(features.features(*(drawn(samples, rng) if i % 2 else (samples, features.RATE_HZ))))
    return encoded.stats(found)


def _kept(
    path: Path, digest: str, encoded: Encoded, cuts: Callable[[], Iterator[tuple[int, Samples]]]
) -> Windows:
    key = f"{encoded.name} {digest}"
    if path.exists():
        kept = arrays(path)
        if str(kept["key"]) == key:
            return Windows(kept["stats"].astype(np.float16), kept["clip"].astype(np.int64))
    clip, stats, waiting = [], [np.zeros((0, 0), np.float16)], []
    for row, window in cuts():
        clip.append(row)
        waiting.append(window)
        if len(waiting) == AT_ONCE:
            stats.append(encoded.stats(waiting))
            waiting = []
    if waiting:
        stats.append(encoded.stats(waiting))
    made = Windows(np.concatenate(stats[1:] or stats), np.array(clip, dtype=np.int64))
    whole(path, lambda part: np.savez(part, stats=made.stats, clip=made.clip, key=np.array(key)))
    return made


def _cuts(sources: Sequence[tuple[Path, str]], copy: str, share: float) -> Iterator[tuple[int, Samples]]:
    """Yield the log-mel windows (80, 200) of a ``share`` of the clips with the row of each.

    A clip's draws depend on the name of its source alone. Its windows are those that are not silent before
    the line, cut every second.
    """
    for row, (path, source) in enumerate(sources):
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
                    yield row, features.features(window, rate_hz)


def _spans(length_s: float, first_s: float) -> Iterator[tuple[float, float]]:
    """Yield the windows of the stream whose first hop ends at ``first_s``."""
    ends = [*np.arange(first_s, length_s, 1.0), *([length_s] if length_s < LONG_S else [])]
    return ((max(0.0, end - features.WINDOW_S), end) for end in map(float, ends) if end >= LEAST_S)
