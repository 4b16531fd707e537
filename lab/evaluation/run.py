"""One evaluation of the shipped or given weights of a modality, as it was requested."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import Progress

from affectstream.lab.bootstrap import DRAWS
from affectstream.lab.datasets import files
from affectstream.lab.datasets.by_class import is_by_class
from affectstream.lab.evaluation.outcome import Evaluation
from affectstream.lab.statistics import Floats
from affectstream.models.protocol import Array, Predictions

AT_ONCE = 128
QUICK_ITEMS = 300
QUICK_DRAWS = 200


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate, on which data, and how much of it."""

    data: Path | None  # folder of corpora, folder of one corpus or file; None: $AFFECT_DATA
    weights: Path
    run: Path  # of the voice folds
    device: str
    quick: bool  # a few hundred items and draws, to see that everything is there
    command: str  # to be typed again
    progress: Progress
    corpus: str | None = None  # a name of the catalogue, whose reader is taken
    folder: Path | None = None  # of that corpus; without one, of files in a folder per class

    @property
    def draws(self) -> int:
        """Return the number of bootstrap draws."""
        return QUICK_DRAWS if self.quick else DRAWS

    def some(self, n: int, share: float = 1.0) -> slice:
        """Return which of ``n`` items are taken: an even ``share`` of them, of a quick look 300 at most."""
        wanted = n * share if not self.quick else min(n * share, QUICK_ITEMS)
        return slice(None, None, max(1, round(n / max(wanted, 1))))

    def folders(self, corpus: str) -> tuple[Path, ...]:
        """Return where the files of ``corpus`` may lie."""
        return files.candidates(corpus, self.data)


def command_of(
    name: str, quick: bool, weights: Path | None, corpus: str | None = None, folder: Path | None = None
) -> str:
    """Return the command that a report names; where the data lie is each reader's own affair."""
    if folder is not None or corpus is not None:
        where = f" {folder.name}" if folder is not None else ""
        name += where + (f" --corpus {corpus}" if corpus is not None else "")
    quickly = " --quick" if quick else ""
    other = f" --weights {weights.name}" if weights is not None else ""
    return f"affectstream evaluate {name}{quickly}{other} -o docs/models"


def evaluate(name: str, request: EvaluationRequest) -> Evaluation:
    """Return the evaluation of the modality ``name`` (face, voice or text) on what it was not trained on."""
    task = importlib.import_module(f"affectstream.lab.evaluation.tasks.{name}")  # imports its model only now
    by_class = request.data is not None and request.corpus is None and is_by_class(request.data)
    if by_class and request.folder is None:
        request = replace(request, folder=request.data)
    other = request.corpus is not None or request.folder is not None
    found: Evaluation = task.labelled(request) if other else task.evaluate(request)
    return found


def predicted(
    predict: Callable[[Sequence[Array]], Predictions], prepared: Sequence[Array], title: str, bar: Progress
) -> Floats:
    """Return the probabilities (n, 7) of ``prepared``, computed in parts while ``bar`` shows ``title``."""
    parts = [prepared[i : i + AT_ONCE] for i in range(0, len(prepared), AT_ONCE)]
    return np.concatenate([predict(part).p for part in bar.track(parts, description=title)])
