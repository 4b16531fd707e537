"""Figures of the shipped face model on a split of FER+.

python -m affectstream.lab.face.evaluate --data DATA/ferplus [--json FILE]
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from sklearn.metrics import precision_recall_fscore_support

from affectstream.lab.datasets.ferplus import Faces, load_npz, majority
from affectstream.lab.face.duplicates import groups
from affectstream.lab.statistics import ece
from affectstream.models.face.model import FaceModel
from affectstream.models.protocol import Probabilities
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS

Labels = npt.NDArray[np.int64]


def figures(probabilities: Probabilities, labels: Labels) -> dict[str, Any]:
    """Return the figures of predictions (n, 7) for ``labels`` (n,); rows labelled -1 are left out."""
    p, y = probabilities[labels >= 0], labels[labels >= 0]
    found = p.argmax(axis=1)
    precision, recall, f1, count = precision_recall_fscore_support(
        y, found, labels=np.arange(N_EMOTIONS), zero_division=0.0
    )
    classes = {
        name: {"n": int(count[i]), "precision": precision[i], "recall": recall[i], "f1": f1[i]}
        for i, name in enumerate(EMOTIONS)
    }
    return {
        "n": len(y),
        "accuracy": float((found == y).mean()),
        "uar": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "ece": ece(p, y),
        "nll": float(-np.log(np.maximum(p[np.arange(len(y)), y], 1e-12)).mean()),
        "classes": classes,
    }


def label_sets(faces: Faces, trained_on: Faces | None) -> dict[str, Labels]:
    """Return the ways to label ``faces``: the first is the one that the model is judged by.

    ``unseen`` leaves out the near duplicates of training images that FER2013 has across its splits.
    """
    plurality = majority(faces.votes)
    over_half = faces.votes.max(axis=1) * 2 > faces.votes.sum(axis=1)
    sets = {
        "FER+ majority": plurality,
        "FER+ over half of the votes": np.where(over_half, plurality, -1),
        "FER2013's own labels": faces.fer2013,
    }
    if trained_on is not None:
        n = len(faces.images)
        together = groups(np.concatenate([faces.images, trained_on.images]))
        sets["FER+ majority, unseen"] = np.where(np.isin(together[:n], together[n:]), -1, plurality)
    return sets


def evaluate(model: FaceModel, faces: Faces, trained_on: Faces | None = None) -> dict[str, dict[str, Any]]:
    """Return the figures of a loaded ``model`` on ``faces`` for every set of labels."""
    probabilities = model.predict(list(faces.images)).p
    sets = label_sets(faces, trained_on)
    return {name: figures(probabilities, y) for name, y in sets.items() if (y >= 0).any()}


def tables(result: dict[str, dict[str, Any]]) -> list[Table]:
    """Return the overall table and the one per class, the latter for the first set of labels."""
    names = ("accuracy", "uar", "macro_f1", "ece", "nll")
    overall = Table("labels", "n", *names, title="face")
    for labels, row in result.items():
        overall.add_row(labels, str(row["n"]), *(f"{row[name]:.4f}" for name in names))
    first = next(iter(result))
    classes = Table("class", "n", "precision", "recall", "f1", title=first)
    for emotion, row in result[first]["classes"].items():
        shares = (f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        classes.add_row(emotion, str(row["n"]), *shares)
    return [overall, classes]


def main() -> None:
    """Read the command line, evaluate and print."""
    parser = argparse.ArgumentParser(description="Evaluate the shipped face model on FER+.")
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz and valid.npz")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    model = FaceModel()
    model.load(given.device)
    result = evaluate(model, load_npz(given.data / "valid.npz"), load_npz(given.data / "train.npz"))
    for table in tables(result):
        Console().print(table)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
