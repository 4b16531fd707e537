"""One set of heads for a party of which nothing, a little or a minute of earlier speech is known.

    python -m affectstream.lab.party_heads --data FOLDER [--cache runs/features] [--processes 2]

The first two blocks of Whisper base stay as they are. Heads read the statistics of a window less a baseline:
the mean of windows of other clips of the same speaker over the same line, drawn to the mean of all training
where there are few. How many clips, and whether only neutral ones, is drawn anew for every clip. TESS, nEMO
and TurEV are left out whole one at a time, RAVDESS is judged in five folds by actor. What came out:
docs/experiments/party-baseline.md.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from rich.console import Console
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from affectstream.lab.datasets.readers import View
from affectstream.lab.evaluation.windows import per_clip
from affectstream.lab.party_baseline import (
    LEFT_OUT,
    NEUTRAL,
    Floats,
    Indices,
    balanced,
    never_absent,
    window_statistics,
)
from affectstream.lab.statistics import uar
from affectstream.lab.training import speech
from affectstream.lab.training.networks import whisper
from affectstream.models.batching import product_type
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.models.voice.network import Heads
from affectstream.schemas.errors import InputError
from affectstream.schemas.labels import N_EMOTIONS

COPIES, JUDGED_COPIES = (speech.CLEAN, "r0", "r2"), (speech.CLEAN, "r1")
CLIPS_A_LINE = 40  # about as much as somebody says in a call
DRAWN_CLIPS = (0, 1, 3, 10, 30)  # of a baseline in training
NEUTRAL_SHARE = 0.3  # of the baselines in training are of neutral clips alone
TRUSTED_AT = 4.0  # windows at which a baseline lies half way from the mean of training to the party's own
STEPS, REDRAWN, BATCH, RATE, DECAY = 400, 200, 512, 2e-3, 0.05
MEMBERS, HIDDEN, UNCERTAIN = 4, 128, 0.05
FOLDS = 5
CONDITIONS = ((0, False), (3, False), (10, False), (30, False), (3, True), (10, True), (30, True))

Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Heard:
    """The windows of one copy of a corpus, or of some of its clips."""

    name: str
    x: Floats  # (windows, size): statistics
    clip: Indices  # (windows,)
    labels: Indices  # (clips,)
    speakers: Names  # (clips,)
    lines: Names  # (clips,): speaker and line; a baseline is of clips of one

    def of(self, clips: Indices) -> "Heard":
        """Return the windows of ``clips`` alone."""
        mine = np.isin(self.clip, clips)
        return replace(self, x=self.x[mine], clip=self.clip[mine])

    @property
    def absent(self) -> Floats:
        """Return what is added to the logits (7,)."""
        return never_absent(self.labels)

    def baselines(
        self, middle: Floats, clips: Sequence[int], neutral: float, rng: np.random.Generator
    ) -> Floats:
        """Return a baseline (clips, size) of each clip: the mean of other clips, drawn to ``middle``.

        How many is drawn from ``clips``; they are neutral ones with the chance ``neutral``.
        """
        windows = np.bincount(self.clip, minlength=len(self.labels))
        sums = np.zeros((len(self.labels), self.x.shape[1]), np.float32)
        np.add.at(sums, self.clip, self.x)
        found = np.tile(middle, (len(self.labels), 1)).astype(np.float32)
        for line in np.unique(self.lines[windows > 0]):
            rows = np.flatnonzero((self.lines == line) & (windows > 0))
            calm = rows[self.labels[rows] == NEUTRAL]
            for row in rows:
                wanted = clips[int(rng.integers(len(clips)))]
                among = calm if len(calm) and rng.random() < neutral else rows
                among = among[among != row]
                chosen = rng.choice(among, min(wanted, len(among)), replace=False)
                known = windows[chosen].sum()
                found[row] = (sums[chosen].sum(axis=0) + TRUSTED_AT * middle) / (known + TRUSTED_AT)
        return found


class Learnt:
    """Heads trained on some copies, and the mean that they know a party by of whom nothing was heard."""

    def __init__(self, heard: Sequence[Heard], seed: int = 0) -> None:
        """Train; classes of a corpus count alike, corpora by the square root of their size, RAVDESS twice."""
        torch.manual_seed(seed)
        self._rng, self._heard = np.random.default_rng(seed), heard
        self.middle: Floats = np.stack([each.x.mean(axis=0) for each in heard]).mean(axis=0)
        self.heads = Heads(len(self.middle), MEMBERS, HIDDEN)
        mean = get_ema_multi_avg_fn(0.99)  # type: ignore[no-untyped-call]
        average = AveragedModel(self.heads, multi_avg_fn=mean, use_buffers=True)
        optimiser = torch.optim.AdamW(self.heads.parameters(), lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS, pct_start=0.08)
        for x, targets, absent in self._batches():
            log_p = self.heads(x, absent).log_softmax(dim=1).view(len(x), MEMBERS, N_EMOTIONS)
            loss = -(targets[:, None] * log_p).sum(dim=2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            average.update_parameters(self.heads)
        self.heads.load_state_dict(average.module.state_dict())
        self.heads.eval()

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield statistics less their baselines, targets, and what is added to the logits."""
        x = torch.from_numpy(np.concatenate([each.x for each in self._heard]))
        labels = torch.from_numpy(np.concatenate([each.labels[each.clip] for each in self._heard]))
        chances = torch.from_numpy(np.concatenate([_chances(each) for each in self._heard]))
        absent = torch.from_numpy(
            np.concatenate([np.tile(each.absent, (len(each.x), 1)) for each in self._heard])
        )
        for step in range(STEPS):
            if step % REDRAWN == 0:
                drawn = [
                    each.baselines(self.middle, DRAWN_CLIPS, NEUTRAL_SHARE, self._rng)[each.clip]
                    for each in self._heard
                ]
                baselines = torch.from_numpy(np.concatenate(drawn))
            rows = torch.multinomial(chances, BATCH, replacement=True)
            there = (absent[rows] == 0).float()
            hot = functional.one_hot(labels[rows], N_EMOTIONS).float()
            targets = (1 - UNCERTAIN) * hot + UNCERTAIN * there / there.sum(dim=1, keepdim=True)
            yield x[rows] - baselines[rows], targets, absent[rows]

    @torch.inference_mode()
    def answers(self, heard: Heard, clips: int, neutral: bool) -> tuple[Indices, Indices]:
        """Return labels and answers of every clip that was heard, with baselines of ``clips`` clips."""
        baselines = heard.baselines(self.middle, (clips,), float(neutral), np.random.default_rng(1))
        logits = self.heads(torch.from_numpy(heard.x - baselines[heard.clip])).double().numpy()
        rows = np.unique(heard.clip)
        mean = per_clip(logits, np.searchsorted(rows, heard.clip), len(rows)) + heard.absent
        return heard.labels[rows], mean.argmax(axis=1)


def _chances(heard: Heard) -> Floats:
    return balanced(heard.name, heard.labels[heard.clip], len(np.unique(heard.clip)))


def lines_of(view: View, copy: str) -> Names:
    """Return the line of every clip: of a speaker, and in a drawn copy of ``CLIPS_A_LINE`` clips of one."""
    speakers = np.array(view.groups)
    if copy == speech.CLEAN:
        return speakers
    rng, lines = np.random.default_rng(7 + int(copy[1:])), speakers.astype(object)
    for speaker in np.unique(speakers):
        for place, row in enumerate(rng.permutation(np.flatnonzero(speakers == speaker))):
            lines[row] = f"{speaker}/{place // CLIPS_A_LINE}"
    return lines.astype(str)


def heard_in(data: Path, kept: speech.Kept, encoder: SpeechEncoder) -> Iterator[Heard]:
    """Yield every copy of the corpora whose labels are what was acted, the clean one first."""
    for name, view in speech.read_corpora(data).items():
        for copy in sorted({*COPIES, *JUDGED_COPIES}) if name not in speech.WEAK else ():
            lines = lines_of(view, copy)
            if copy == speech.CLEAN:
                windows = speech.of_corpus(name, view, copy, kept)
            else:
                windows = speech.over_lines(name, view, list(lines), copy, kept)
            x = window_statistics(windows.inputs, encoder)
            yield Heard(f"{name} {copy}", x, windows.clip, view.labels, np.array(view.groups), lines)


def judged(copies: Mapping[str, Heard], out: Console) -> None:
    """Print the UAR on every corpus never heard and on RAVDESS by actor, by what is known of a party."""
    names = sorted({name.split()[0] for name in copies})
    for name in [*(name for name in LEFT_OUT if name in names), speech.HOME]:
        speakers = copies[f"{name} {speech.CLEAN}"].speakers
        parts = _folds(speakers) if name == speech.HOME else [np.arange(len(speakers))]
        found: dict[tuple[str, int, bool], list[tuple[Indices, Indices]]] = {}
        for part in parts:
            rest = np.setdiff1d(np.arange(len(speakers)), part)
            mine = [replace(copies[f"{n} {c}"], name=n) for n in names if n != name for c in COPIES]
            mine += [replace(copies[f"{name} {c}"].of(rest), name=name) for c in COPIES if len(rest)]
            learnt = Learnt(mine)
            for copy in JUDGED_COPIES:
                for clips, neutral in CONDITIONS:
                    answers = learnt.answers(copies[f"{name} {copy}"].of(part), clips, neutral)
                    found.setdefault((copy, clips, neutral), []).append(answers)
        for (copy, clips, neutral), by_part in found.items():
            labels, given = (np.concatenate(each) for each in zip(*by_part, strict=True))
            known = f"{clips} {'neutral ' if neutral else ''}clips"
            out.print(name, copy, known, f"{uar(labels, given):.3f}", sep=" | ")


def _folds(speakers: Names) -> list[Indices]:
    """Return the clips of every fifth woman and every fifth man: RAVDESS numbers them in turn."""
    names = np.unique(speakers)
    men, women = names[::2], names[1::2]
    return [
        np.flatnonzero(np.isin(speakers, [*men[fold::FOLDS], *women[fold::FOLDS]])) for fold in range(FOLDS)
    ]


def main(
    data: Annotated[Path, typer.Option(help="folder of the corpora", envvar="AFFECT_DATA")],
    cache: Annotated[Path, typer.Option(help="where windows are kept")] = Path("runs/features"),
    processes: Annotated[int, typer.Option(min=1, help="that make windows")] = 2,
) -> None:
    """Print the UAR by corpus, line and baseline."""
    encoder = whisper.encoder(cache, Console(stderr=True).print, whisper.BASE).to(product_type("cpu"))
    copies = {heard.name: heard for heard in heard_in(data, speech.Kept(cache, processes), encoder)}
    judged(copies, Console())


if __name__ == "__main__":
    try:
        typer.run(main)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
