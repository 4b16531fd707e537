"""Figures of the shipped text model on MELD and GoEmotions.

    python -m affectstream.lab.text.evaluate --meld DATA/meld/dev_sent_emo.csv \
        --goemotions DATA/goemotions/dev.tsv

Neither development set is read by the training. Intervals are 95 % by bootstrap over dialogues or comments.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from affectstream.lab import statistics
from affectstream.lab.bootstrap import intervals
from affectstream.lab.datasets import folder
from affectstream.lab.evaluation.outcome import About, Outcome
from affectstream.lab.statistics import ece
from affectstream.lab.text.corpus import Row, goemotions_rows, meld_rows
from affectstream.models.text.model import TextModel
from affectstream.schemas.labels import EMOTIONS

SHOWN = {"weighted_f1": "wF1", "macro_f1": "mF1", "accuracy": "acc", "uar": "UAR", "ece": "ECE"}


def figures(probabilities: statistics.Floats, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of predictions (n, 7) for ``rows``."""
    truth = np.array([row.label for row in rows], dtype=np.int64)
    said = probabilities.argmax(axis=1).astype(np.int64)
    groups = [row.group for row in rows]
    about = About("texts", "", "", "", "groups")
    found = intervals(Outcome(about, truth, tuple(groups), probabilities, probabilities), 300)
    return {
        "n": len(rows),
        "groups": len(set(groups)),
        "weighted_f1": statistics.weighted_f1(truth, said),
        "macro_f1": statistics.macro_f1(truth, said),
        "accuracy": statistics.accuracy(truth, said),
        "uar": statistics.uar(truth, said),
        "ece": ece(probabilities, truth),
        "nll": statistics.nll(probabilities, truth),
        "intervals": {name: (found[name].low, found[name].high) for name in ("weighted_f1", "macro_f1")},
        "classes": {
            c.emotion: {"n": c.support, "precision": c.precision, "recall": c.recall, "f1": c.f1}
            for c in statistics.per_class(truth, said)
        },
    }


def predicted(model: TextModel, rows: Sequence[Row], turns: int) -> statistics.Floats:
    """Return the probabilities (n, 7) of ``rows`` with at most ``turns`` of their context."""
    return model.predict([model.prepare(r.text, r.context[-turns:] if turns else ()) for r in rows]).p


def evaluate(model: TextModel, meld: Path | None, goemotions: Path | None) -> dict[str, dict[str, Any]]:
    """Return the figures of a loaded ``model`` on the files given, those that it is judged by first."""
    result: dict[str, dict[str, Any]] = {}
    if meld is not None:
        rows = meld_rows(meld)
        for turns in (2, 1, 0):
            result[f"MELD +{turns} turns"] = figures(predicted(model, rows, turns), rows)
    if goemotions is not None:
        rows = goemotions_rows(goemotions, once=False)
        result["GoEmotions"] = figures(predicted(model, rows, 0), rows)
    return result


def milliseconds(model: TextModel, rows: Sequence[Row], texts: int = 300) -> dict[str, float]:
    """Return median and 95th percentile of the time for one utterance with its context, tokens included."""
    taken = []
    warming = rows[:20]
    for row in [*warming, *rows[:texts]]:
        start = time.perf_counter()
        model.predict([model.prepare(row.text, row.context)])
        taken.append((time.perf_counter() - start) * 1000)
    kept = taken[len(warming) :]
    return {"median_ms": float(np.median(kept)), "p95_ms": float(np.quantile(kept, 0.95))}


def tables(result: dict[str, dict[str, Any]]) -> list[Table]:
    """Return the overall table, and the one per class of the first and the last set."""
    overall = Table("set", "n", *SHOWN.values(), "95 % wF1", title="text")
    for name, row in result.items():
        low, high = row["intervals"]["weighted_f1"]
        shown = (f"{row[key]:.3f}" for key in SHOWN)
        overall.add_row(name, str(row["n"]), *shown, f"{low:.3f}-{high:.3f}")
    out = [overall]
    for name in dict.fromkeys((next(iter(result)), next(reversed(result)))):
        table = Table("emotion", "n", "precision", "recall", "F1", title=name)
        for emotion in EMOTIONS:
            c = result[name]["classes"][emotion]
            table.add_row(emotion, str(c["n"]), *(f"{c[k]:.3f}" for k in ("precision", "recall", "f1")))
        out.append(table)
    return out


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, evaluate and show the tables."""
    data = folder.corpora()
    parser = argparse.ArgumentParser(description="Evaluate the text model.")
    parser.add_argument("--meld", type=Path, default=data / "meld" / "dev_sent_emo.csv")
    parser.add_argument("--goemotions", type=Path, default=data / "goemotions" / "dev.tsv")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=None, help="write the figures to this file")
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    model = TextModel()
    model.load("cpu")
    result = evaluate(model, given.meld, given.goemotions)
    console = Console()
    for table in tables(result):
        console.print(table)
    speed = milliseconds(model, meld_rows(given.meld))
    console.print(
        f"one utterance with its context: {speed['median_ms']:.1f} ms, 95 % within {speed['p95_ms']:.1f} ms"
    )
    if given.json:
        given.json.write_text(json.dumps({"figures": result, "speed": speed}, indent=2) + "\n")


if __name__ == "__main__":
    main()
