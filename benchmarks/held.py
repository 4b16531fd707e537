"""For how long words stay true of who spoke them, on MELD.

    python -m benchmarks.held

The next utterance of the same speaker stands for how the speaker feels when its gap has passed. The shipped
text model's distribution for the utterance before, held over the gap, is measured against the class prior.
"""

import argparse
import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from affectstream.lab.datasets.meld import Utterance, read_meld
from affectstream.lab.datasets.texts import hold_out, meld_rows
from affectstream.models.text.model import TextModel
from affectstream.schemas.labels import N_EMOTIONS

Floats = npt.NDArray[np.float64]

BINS_S = (0, 1, 2, 3, 4, 6, 8, 10, 20, 60)
LONGEST_S = 30.0  # an utterance that claims to last longer has a wrong time
DRAWS = 1000
HELD_OUT, SEED = 0.1, 7  # those of models/weights/text.recipe.json: what was not learnt from


@dataclass(frozen=True)
class Pair:
    """Two utterances of one speaker, nothing of the speaker's between them."""

    first: int  # indices of utterances
    second: int
    gap_s: float
    group: str


def times_s(path: Path) -> list[tuple[float, float]]:
    """Return start and end of every utterance in the order of ``read_meld``."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda row: (int(row["Dialogue_ID"]), int(row["Utterance_ID"])))
    return [(_seconds(row["StartTime"]), _seconds(row["EndTime"])) for row in rows]


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def pairs(utterances: Sequence[Utterance], times: Sequence[tuple[float, float]]) -> list[Pair]:
    """Return each utterance with its speaker's next one, where the times can be true."""
    found, newest = [], dict[tuple[str, str], int]()
    for i, utterance in enumerate(utterances):
        key = utterance.group, utterance.speaker
        if key in newest:
            before = newest[key]
            gap_s = times[i][0] - times[before][1]
            whole = all(0 < times[k][1] - times[k][0] <= LONGEST_S for k in (before, i))
            if whole and 0 <= gap_s < BINS_S[-1]:
                found.append(Pair(before, i, gap_s, utterance.group))
        newest[key] = i
    return found


def said(utterances: Sequence[Utterance], chosen: Sequence[int]) -> Floats:
    """Return what the shipped model says of the ``chosen`` utterances (all, 7); zeros for the others."""
    model = TextModel()
    model.load("cpu")
    p = np.zeros((len(utterances), N_EMOTIONS))
    prepared = [model.prepare(utterances[i].text, utterances[i].context) for i in chosen]
    p[list(chosen)] = model.predict(prepared).p
    return p


def interval(values: Floats, groups: Sequence[str]) -> tuple[float, float]:
    """Return the 95 % interval of the mean by bootstrap over dialogues."""
    names, index = np.unique(np.array(groups), return_inverse=True)
    sums = np.bincount(index, values, len(names))
    counts = np.bincount(index, minlength=len(names))
    drawn = np.random.default_rng(0).integers(0, len(names), (DRAWS, len(names)))
    means = sums[drawn].sum(axis=1) / np.maximum(counts[drawn].sum(axis=1), 1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def persistence(utterances: Sequence[Utterance], found: Sequence[Pair]) -> None:
    """Print how often the next utterance has the same gold emotion, by the gap."""
    labels = np.array([u.label for u in utterances])
    prior = np.bincount(labels, minlength=N_EMOTIONS) / len(labels)
    print(f"two utterances at random agree in {np.sum(prior**2):.3f}")
    print("gap s    pairs  dialogues  same   95 %           same where the first is not neutral")
    for low, high in pairwise(BINS_S):
        mine = [pair for pair in found if low <= pair.gap_s < high]
        same = np.array([labels[p.first] == labels[p.second] for p in mine], dtype=float)
        a, b = interval(same, [p.group for p in mine])
        felt = [bool(labels[p.first] == labels[p.second]) for p in mine if labels[p.first]]
        groups = len({p.group for p in mine})
        print(
            f"{low:2}-{high:2}   {len(mine):6}  {groups:9}  {same.mean():.3f}  {a:.3f}-{b:.3f}"
            f"    {np.mean(felt):.3f} of {len(felt)}"
        )


def held(utterances: Sequence[Utterance], found: Sequence[Pair], p: Floats, prior: Floats) -> None:
    """Print the held distribution against the prior and their best mixture, by the gap."""
    labels = np.array([u.label for u in utterances])
    print(
        "gap s   pairs  NLL prior  NLL held  gain (95 %)               acc prior  acc held  best share  NLL"
    )
    bins = [*pairwise(BINS_S), (0, 3), (1, 10), (3, 10), (10, 60)]
    for low, high in bins:
        mine = [pair for pair in found if low <= pair.gap_s < high]
        truth = labels[[pair.second for pair in mine]]
        said_before = p[[pair.first for pair in mine]]
        own = said_before[np.arange(len(mine)), truth]
        gain = np.log(np.maximum(own, 1e-9)) - np.log(prior[truth])
        a, b = interval(gain, [pair.group for pair in mine])
        shares = np.linspace(0, 1, 101)
        mixed = [-np.log(s * own + (1 - s) * prior[truth]).mean() for s in shares]
        best = int(np.argmin(mixed))
        print(
            f"{low:2}-{high:2}  {len(mine):6}  {-np.log(prior[truth]).mean():9.3f}"
            f"  {-np.log(np.maximum(own, 1e-9)).mean():8.3f}  {gain.mean():+.3f} ({a:+.3f} to {b:+.3f})"
            f"  {np.mean(truth == prior.argmax()):9.3f}  {np.mean(said_before.argmax(axis=1) == truth):8.3f}"
            f"  {shares[best]:10.2f}  {mixed[best]:.3f}"
        )


def fading(utterances: Sequence[Utterance], found: Sequence[Pair], p: Floats, prior: Floats) -> None:
    """Print the share a x 2^(-gap / half-life) of the held distribution beside the prior that fits best."""
    labels = np.array([u.label for u in utterances])
    truth = labels[[pair.second for pair in found]]
    own = p[[pair.first for pair in found], truth]
    gaps = np.array([pair.gap_s for pair in found])

    def nll(most: float, half_life_s: float) -> float:
        share = most * 2.0 ** (-gaps / half_life_s)
        return float(-np.log(share * own + (1 - share) * prior[truth]).mean())

    tried = [(nll(a / 20, h), a / 20, h) for a in range(1, 21) for h in (1, 2, 3, 5, 7, 10, 15, 20, 30, 60)]
    least, most, half_life_s = min(tried)
    print(f"best fading share: {most:.2f} x 2^(-gap / {half_life_s} s), NLL {least:.3f}")
    print(
        "  best NLL by half-life s:",
        {h: round(min(t[0] for t in tried if t[2] == h), 3) for h in (2, 5, 10, 20, 60)},
    )
    print(
        f"  {len(found)} pairs; prior alone {-np.log(prior[truth]).mean():.3f},"
        f" held alone {-np.log(own).mean():.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure for how long words hold.")
    data = Path(os.environ.get("AFFECT_DATA", "../shared/data"))
    parser.add_argument("--meld", type=Path, default=data / "meld")
    given = parser.parse_args()
    torch.set_num_threads(1)
    train, dev = given.meld / "train_sent_emo.csv", given.meld / "dev_sent_emo.csv"
    learnt = read_meld(train)
    utterances = [*learnt, *read_meld(dev)]
    found = pairs(utterances, [*times_s(train), *times_s(dev)])
    print(f"MELD train and dev, gold labels, {len(utterances)} utterances")
    persistence(utterances, found)
    _, kept = hold_out(meld_rows(train), HELD_OUT, SEED)
    fresh = {row.group for row in kept} | {u.group for u in utterances[len(learnt) :]}
    mine = [i for i, u in enumerate(utterances) if u.group in fresh]
    labels = np.array([u.label for u in learnt])
    prior = np.bincount(labels, minlength=N_EMOTIONS) / len(labels)
    unheard = [pair for pair in found if pair.group in fresh]
    print(f"MELD dev and the {len({r.group for r in kept})} dialogues of train that the model did not learn")
    p = said(utterances, mine)
    held(utterances, unheard, p, prior)
    fading(utterances, unheard, p, prior)


if __name__ == "__main__":
    main()
