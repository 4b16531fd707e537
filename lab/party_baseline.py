"""What the voice gains where the mean of a party's earlier speech is known and taken off.

    python -m affectstream.lab.party_baseline --data FOLDER [--cache runs/features] [--encoder tiny-en|base]

The first two blocks of Whisper's encoder stay as they are; a logistic regression reads the statistics of
clean windows, averaged over a clip, less the mean of some other clips of the same speaker, drawn at random.
TESS, nEMO and TurEV are left out whole one at a time, the others and RAVDESS are learnt from. What came out:
docs/experiments/party-baseline.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import torch
import typer
from rich.console import Console
from torch.nn import functional

from affectstream.lab import script
from affectstream.lab.evaluation.windows import per_clip
from affectstream.lab.statistics import uar
from affectstream.lab.training import speech
from affectstream.lab.training.blocks import window_statistics
from affectstream.lab.training.networks import whisper
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS

SOURCES = {source.name: source for source in (whisper.TINY_EN, whisper.BASE)}
LEFT_OUT = ("tess", "nemo", "turev")
NEUTRAL = EMOTIONS.index("neutral")
DECAY = 0.03  # of the squared weights of standardised statistics
STEPS = 120
ABSENT = -1e4  # on the logit of a class that a corpus does not have

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Pool = Callable[[Indices, Indices], Indices]  # labels and rows of a speaker's clips to those a mean may be of


@dataclass(frozen=True)
class Spoken:
    """The clips of a corpus."""

    x: Floats  # (clips, size): statistics, the mean of a clip's windows
    labels: Indices
    speakers: npt.NDArray[np.str_]

    @property
    def absent(self) -> Floats:
        """Return what is added to the logits (7,)."""
        return never_absent(self.labels)


def never_absent(labels: Indices) -> Floats:
    """Return what is added to the logits (7,) of a corpus: a class that it lacks is never the answer."""
    return np.where(np.bincount(labels, minlength=N_EMOTIONS) > 0, 0.0, ABSENT).astype(np.float32)


def any_clip(labels: Indices, rows: Indices) -> Indices:
    """Let a mean be of all clips of the speaker."""
    del labels
    return rows


def neutral_clips(labels: Indices, rows: Indices) -> Indices:
    """Let a mean be of the neutral ones, as most speech on a call is."""
    found: Indices = rows[labels == NEUTRAL]
    return found


def less_baseline(spoken: Spoken, clips: int, pool: Pool, seed: int = 0) -> Spoken:
    """Return ``spoken`` with the mean of at most ``clips`` other clips of its speaker taken off each clip."""
    if not clips:
        return spoken
    rng, x = np.random.default_rng(seed), spoken.x.copy()
    for speaker in np.unique(spoken.speakers):
        rows = np.flatnonzero(spoken.speakers == speaker)
        among = pool(spoken.labels[rows], rows)
        for row in rows:
            others = among[among != row]
            if len(others):
                x[row] -= spoken.x[rng.choice(others, min(clips, len(others)), replace=False)].mean(axis=0)
    return Spoken(x, spoken.labels, spoken.speakers)


def uar_left_out(learnt: Mapping[str, Spoken], judged: Spoken) -> float:
    """Return the UAR on one corpus of what was fitted on others, over the classes that it has.

    A corpus counts by the square root of its size, RAVDESS twice; its classes count alike.
    """
    x = np.concatenate([each.x for each in learnt.values()])
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-4
    weights = [balanced(name, each.labels, len(each.labels)) for name, each in learnt.items()]
    absent = [np.tile(each.absent, (len(each.x), 1)) for each in learnt.values()]
    labels = np.concatenate([each.labels for each in learnt.values()])
    slope, bias = _fitted((x - middle) / spread, labels, np.concatenate(weights), np.concatenate(absent))
    logits = (judged.x - middle) / spread @ slope + bias + judged.absent
    return uar(judged.labels, logits.argmax(axis=1))


def balanced(name: str, labels: Indices, clips: int) -> Floats:
    """Return weights of a corpus: its classes alike, in all the root of its clips, twice that for RAVDESS."""
    each = 1.0 / np.bincount(labels, minlength=N_EMOTIONS)[labels]
    size = np.sqrt(clips) * (2.0 if name == speech.HOME else 1.0)
    return np.asarray(each * size / each.sum(), np.float32)


def _fitted(x: Floats, labels: Indices, weights: Floats, absent: Floats) -> tuple[Floats, Floats]:
    """Return the slopes (size, 7) and biases (7,) of a logistic regression."""
    inputs, targets = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(labels)
    share, offset = torch.from_numpy(weights / weights.sum()), torch.from_numpy(absent)
    slope = torch.zeros(x.shape[1], N_EMOTIONS, requires_grad=True)
    bias = torch.zeros(N_EMOTIONS, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [slope, bias], max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        each = functional.cross_entropy(inputs @ slope + bias + offset, targets, reduction="none")
        found = (share * each).sum() + DECAY / 2 * slope.square().sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return slope.detach().numpy(), bias.detach().numpy()


def spoken_in(data: Path, kept: speech.Kept, encoder: SpeechEncoder) -> Iterator[tuple[str, Spoken]]:
    """Yield the corpora in ``data`` whose labels are what was acted; raises InputError without RAVDESS."""
    for name, view in speech.read_corpora(data).items():
        if name in speech.WEAK:
            continue
        windows = speech.of_corpus(name, view, speech.CLEAN, kept)
        heard = np.unique(windows.clip)
        x = window_statistics(windows.inputs, encoder).astype(np.float64)
        mean = per_clip(x, windows.clip, len(view.labels))[heard].astype(np.float32)
        yield name, Spoken(mean, view.labels[heard], np.array(view.groups)[heard])


def main(
    data: Annotated[Path, typer.Option(help="folder of the corpora", envvar="AFFECT_DATA")],
    cache: Annotated[Path, typer.Option(help="where windows are kept")] = Path("runs/features"),
    encoder: Annotated[Literal["tiny-en", "base"], typer.Option(help="whose blocks")] = "tiny-en",
    processes: Annotated[int, typer.Option(min=1, help="that make windows")] = 2,
) -> None:
    """Print the UAR on each corpus left out whole, by how many clips the baseline is the mean of."""
    out, err = Console(), Console(stderr=True)
    net = whisper.encoder(cache, err.print, SOURCES[encoder])
    corpora = dict(spoken_in(data, speech.Kept(cache, processes), net))
    judged = [name for name in LEFT_OUT if name in corpora]
    out.print(f"Whisper {encoder}, first two blocks", *judged, sep=" | ")
    for clips, pool, title in (
        (0, any_clip, "no baseline"),
        (3, any_clip, "3 clips"),
        (10, any_clip, "10 clips"),
        (30, any_clip, "30 clips"),
        (10, neutral_clips, "10 neutral clips, in the corpus left out"),
    ):
        learnt = {name: less_baseline(each, clips, any_clip) for name, each in corpora.items()}
        of_judged = {name: less_baseline(corpora[name], clips, pool) for name in judged}
        row = [
            uar_left_out({n: each for n, each in learnt.items() if n != name}, of_judged[name])
            for name in judged
        ]
        out.print(title, *(f"{value:.3f}" for value in row), sep=" | ")


if __name__ == "__main__":
    script.run(main)
