"""What a voice network answers where other clips of the speaker are known: their mean answer is taken off.

    python -m affectstream.lab.known RUN --data FOLDER

judges the networks of a run of ``affectstream train voice`` that are there, also of one that has not ended:
each fold of RAVDESS by its actors, each corpus by the network that never heard it. Printed is the UAR by
corpus, line and what is known of a speaker. What came out: docs/experiments/party-baseline.md. That is what a
call can know; what much speech of all classes tells is in `affectstream evaluate voice`
(lab/evaluation/known_speaker.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console

from affectstream.lab import script
from affectstream.lab.datasets import ravdess
from affectstream.lab.datasets.readers import View
from affectstream.lab.evaluation.tasks.voice_folds import whole_network
from affectstream.lab.evaluation.windows import per_clip
from affectstream.lab.heard import Heard, heard_in
from affectstream.lab.party_baseline import LEFT_OUT, Floats, Indices
from affectstream.lab.statistics import uar
from affectstream.lab.training import speech
from affectstream.lab.training.files import WEIGHTS
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, read_recipe
from affectstream.lab.training.tasks.voice import WITHOUT
from affectstream.models.voice.network import Heads
from affectstream.schemas.errors import InputError

JUDGED_COPIES = (speech.CLEAN, "r1")
CONDITIONS = ((0, False), (3, False), (10, False), (30, False), (3, True), (10, True), (30, True))

Answers = tuple[Indices, Indices]  # labels and answers of clips


@dataclass(frozen=True)
class Part:
    """What a network learns from and what it is judged by."""

    name: str  # of its folder in the run
    corpus: str
    judged: Indices  # clips of the corpus; of one that is left out whole none are listed

    def own(self, heard: Heard) -> Heard:
        """Return what the network is judged by of its corpus."""
        return heard.of(self.judged) if len(self.judged) else heard

    def rest(self, copies: Iterable[Heard]) -> Iterator[Heard]:
        """Yield what the network may learn from of windows of corpora."""
        for heard in copies:
            if heard.corpus != self.corpus:
                yield heard
            elif len(self.judged):
                yield heard.of(np.setdiff1d(np.arange(len(heard.labels)), self.judged))


class Known:
    """Heads that answer for speakers of whom something is known."""

    def __init__(self, heads: Heads, learnt: Sequence[Heard]) -> None:
        """Take the windows that the heads learnt from: what they say of these is what is usual."""
        self._heads = heads
        labels = np.concatenate([each.labels[each.clip] for each in learnt])
        found = np.concatenate([self.log_p(each.x) for each in learnt])
        means = [found[labels == e].mean(axis=0) for e in np.unique(labels)]
        self.middle = np.asarray(np.mean(means, axis=0), np.float32)  # (7,), classes alike

    @torch.inference_mode()
    def log_p(self, x: Floats) -> Floats:
        """Return the log probabilities (windows, 7) of statistics."""
        found: Floats = self._heads(torch.from_numpy(x)).numpy()
        return found

    def answers(self, heard: Heard, clips: int, neutral: bool) -> Answers:
        """Return labels and answers of every clip that was heard, less the mean of ``clips`` clips."""
        said = replace(heard, x=self.log_p(heard.x))
        own = said.baselines(self.middle, clips, neutral, np.random.default_rng(1))
        rows = np.unique(heard.clip)
        mean = per_clip(said.x.astype(np.float64), np.searchsorted(rows, heard.clip), len(rows))
        found = mean - own[rows] + self.middle + heard.absent
        return heard.labels[rows], found.argmax(axis=1)


def parts(views: Mapping[str, View]) -> Iterator[Part]:
    """Yield the folds of RAVDESS, which leave out their actors, and the corpora that are left out whole."""
    left_out = [name for name in (speech.HOME, *LEFT_OUT) if name in views]
    folds = ravdess.folds_of(tuple(views[speech.HOME].items))
    yield from (Part(f"fold-{n}", speech.HOME, fold.test) for n, fold in enumerate(folds))
    yield from (Part(f"{WITHOUT}{name}", name, np.zeros(0, np.int64)) for name in left_out)


class Table:
    """Labels and answers of parts by what is printed of them in one row."""

    def __init__(self) -> None:
        self._found: dict[str, list[Answers]] = {}

    def add(self, part: Part, by: Known, copies: Iterable[Heard]) -> None:
        """Judge a part by each copy of its corpus, and by what is known of a speaker."""
        of_whom = f"{part.corpus} by speaker" if len(part.judged) else part.corpus
        for heard in copies:
            mine = part.own(heard)
            for clips, neutral in CONDITIONS:
                row = f"{of_whom} | {heard.copy} | {clips} {'neutral ' if neutral else ''}clips"
                self._found.setdefault(row, []).append(by.answers(mine, clips, neutral))

    def rows(self) -> Iterator[str]:
        """Yield each row with its UAR, over all parts that it is of."""
        for row, each in self._found.items():
            labels, given = (np.concatenate(side) for side in zip(*each, strict=True))
            yield f"{row} | {uar(labels, given):.3f}"


def main(
    run: Annotated[Path, typer.Argument(help="a run of `affectstream train voice`")],
    data: Annotated[Path, typer.Option(help="folder of the corpora", envvar="AFFECT_DATA")],
    cache: Annotated[Path, typer.Option(help="where windows are kept")] = Path("runs/features"),
    processes: Annotated[int, typer.Option(min=1, help="that make windows")] = 2,
) -> None:
    """Print the UAR of a run's networks by corpus, line and what is known."""
    kept, views, table = speech.Kept(cache, processes), speech.read_corpora(data), Table()
    there = [part for part in parts(views) if (run / part.name / WEIGHTS).exists()]
    recipe = read_recipe(run / RECIPE) if there else None
    if not isinstance(recipe, VoiceRecipe):
        raise InputError(f"{run} holds no voice network: affectstream train voice --run {run} makes them")
    for part in there:
        network = whole_network(run / part.name / WEIGHTS, recipe)
        learnt = part.rest(heard_in(views, (speech.CLEAN,), kept, network.encoder))
        mine = {part.corpus: views[part.corpus]}
        table.add(
            part, Known(network.heads, list(learnt)), heard_in(mine, JUDGED_COPIES, kept, network.encoder)
        )
    Console().print(*table.rows(), sep="\n")


if __name__ == "__main__":
    script.run(main)
