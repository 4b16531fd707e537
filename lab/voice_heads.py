"""Voice networks that judge speakers whom they never heard: Whisper's blocks as they are, and heads by part.

    python -m affectstream.lab.voice_heads --data FOLDER [--run FOLDER] [--encoder tiny-en|base] [--varied]

Heads read the statistics of single windows, with ``--varied`` of windows varied as in the training of the
shipped network too. Those of every part (five folds of RAVDESS by actor; RAVDESS, TESS, nEMO and TurEV left
out whole one at a time) are trained in a minute each, without a GPU. With tiny.en, whose blocks the shipped
network hardly changed, the run can judge calls (``affectstream evaluate calls --run``) and tell the fusion
how the voice does on strangers (``affectstream fusion log --run``). Printed is the UAR by what is known of a
speaker: the mean of the log probabilities of other clips over the same line, drawn to that of training where
there are few, is taken off. What came out: docs/experiments/party-baseline.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import typer
from rich.console import Console
from safetensors.torch import save_file
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from affectstream.lab import script
from affectstream.lab.heard import VARIANT, Heard, heard_in, of_windows
from affectstream.lab.known import JUDGED_COPIES, Known, Part, Table, parts
from affectstream.lab.party_baseline import NEUTRAL, SOURCES, Floats, balanced
from affectstream.lab.training import speech
from affectstream.lab.training.files import WEIGHTS, whole
from affectstream.lab.training.networks import whisper
from affectstream.lab.training.recipe import RECIPE, VoiceRecipe, write_recipe
from affectstream.lab.training.tasks.voice_windows import CALL_PRIOR
from affectstream.models.batching import product_type
from affectstream.models.voice.encoder import SpeechEncoder
from affectstream.models.voice.network import Heads, VoiceNet, fitted_domain
from affectstream.schemas.labels import N_EMOTIONS

COPIES = (speech.CLEAN, "r0", "r2")
VARIANTS = ("clean/0", "clean/1", "r0/0", "r2/0")
STEPS, BATCH, CALL_ROWS, RATE, DECAY = 400, 512, 64, 2e-3, 0.05
RECIPE_OF_ALL = VoiceRecipe(network="voice", encoder_scale=0.0, uncertain=0.05, calls=0.2, calls_offset=2.0)
DOMAIN_ROWS = 15_000


class Learnt:
    """Heads trained on some copies, on variants of them and on calls without labels."""

    def __init__(
        self, heard: Sequence[Heard], calls: Floats, variants: Sequence[Heard] = (), seed: int = 0
    ) -> None:
        """Train; classes of a corpus count alike, corpora by the square root of their size, RAVDESS twice.

        ``variants`` are learnt from too, and are no part of the domain and of what is usual.
        """
        torch.manual_seed(seed)
        self._drawn, self._calls = [*heard, *variants], torch.from_numpy(calls)
        self.heads = Heads(calls.shape[1], RECIPE_OF_ALL.members, RECIPE_OF_ALL.hidden)
        mean = get_ema_multi_avg_fn(0.99)  # type: ignore[no-untyped-call]
        average = AveragedModel(self.heads, multi_avg_fn=mean, use_buffers=True)
        optimiser = torch.optim.AdamW(self.heads.parameters(), lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS, pct_start=0.08)
        for batch in self._batches():
            loss = self._loss(*batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            average.update_parameters(self.heads)
        self.heads.load_state_dict(average.module.state_dict())
        self.heads.eval()
        x = np.concatenate([each.x for each in heard])
        some = np.random.default_rng(seed).permutation(len(x))[:DOMAIN_ROWS]
        self.heads.domain = fitted_domain(torch.from_numpy(np.concatenate([x[some], calls])))
        self.known = Known(self.heads, heard)

    def _loss(self, x: torch.Tensor, targets: torch.Tensor, absent: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy, and how far the mean answer to calls lies from what is expected."""
        rows = self._calls[torch.randint(max(1, len(self._calls)), (min(CALL_ROWS, len(self._calls)),))]
        absent = torch.cat([absent, absent.new_zeros(len(rows), N_EMOTIONS)])
        logits = self.heads(torch.cat([x, rows]), absent).view(len(x) + len(rows), -1, N_EMOTIONS)
        log_p = logits[: len(x)].log_softmax(dim=2)
        loss: torch.Tensor = -(targets[:, None] * log_p).sum(dim=2).mean()
        if not len(rows):
            return loss
        leant, prior = logits[len(x) :].clone(), logits.new_tensor(CALL_PRIOR)
        leant[:, :, NEUTRAL] += RECIPE_OF_ALL.calls_offset
        mean = leant.softmax(dim=2).mean(dim=0)  # (members, 7)
        return torch.add(
            loss, (prior * (prior.log() - mean.log())).sum(dim=1).mean(), alpha=RECIPE_OF_ALL.calls
        )

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield statistics, targets, and what is added to the logits."""
        x = torch.from_numpy(np.concatenate([each.x for each in self._drawn]))
        labels = torch.from_numpy(np.concatenate([each.labels[each.clip] for each in self._drawn]))
        chances = torch.from_numpy(np.concatenate([_chances(each) for each in self._drawn]))
        absent = torch.from_numpy(
            np.concatenate([np.tile(each.absent, (len(each.x), 1)) for each in self._drawn])
        )
        uncertain = RECIPE_OF_ALL.uncertain
        for _ in range(STEPS):
            rows = torch.multinomial(chances, BATCH, replacement=True)
            there = (absent[rows] == 0).float()
            hot = functional.one_hot(labels[rows], N_EMOTIONS).float()
            targets = (1 - uncertain) * hot + uncertain * there / there.sum(dim=1, keepdim=True)
            yield x[rows], targets, absent[rows]


def _chances(heard: Heard) -> Floats:
    return balanced(heard.corpus, heard.labels[heard.clip], len(np.unique(heard.clip)))


def learnt(part: Part, copies: Iterable[Heard], calls: Floats) -> Learnt:
    """Return heads that learnt from all but what ``part`` is judged by."""
    as_they_are: list[Heard] = []
    variants: list[Heard] = []
    for heard in part.rest(copies):
        if heard.copy in (*COPIES, *VARIANTS):
            (variants if heard.copy in VARIANTS else as_they_are).append(heard)
    return Learnt(as_they_are, calls, variants)


def calls_over(copy: str, data: Path, kept: speech.Kept, encoder: SpeechEncoder) -> Floats:
    """Return the statistics (windows, size) of a copy of the calls in ``data``."""
    windows = speech.of_calls(data / speech.CALLS, copy.partition(VARIANT)[0], kept)
    return of_windows(windows.inputs, copy, encoder)


def save(by: Learnt, encoder: SpeechEncoder, path: Path) -> None:
    """Write the whole network of a part, for ``evaluate calls --run``."""
    network = VoiceNet(RECIPE_OF_ALL.members, RECIPE_OF_ALL.hidden)
    network.encoder, network.heads = encoder, by.heads
    state = {name: tensor.float().contiguous() for name, tensor in network.state_dict().items()}
    whole(path, lambda part: save_file(state, part))


def main(
    data: Annotated[Path, typer.Option(help="folder of the corpora", envvar="AFFECT_DATA")],
    run: Annotated[Path, typer.Option(help="where the networks are kept")] = Path("runs/voice-heads"),
    cache: Annotated[Path, typer.Option(help="where windows are kept")] = Path("runs/features"),
    encoder: Annotated[Literal["tiny-en", "base"], typer.Option(help="whose blocks")] = "tiny-en",
    varied: Annotated[bool, typer.Option("--varied", help="learn from varied windows too")] = False,
    processes: Annotated[int, typer.Option(min=1, help="that make windows")] = 2,
) -> None:
    """Train the heads of every part, keep them, and print the UAR by corpus, line and what is known."""
    out, kept = Console(), speech.Kept(cache, processes)
    net = whisper.encoder(cache, Console(stderr=True).print, SOURCES[encoder]).to(product_type("cpu"))
    views = speech.read_corpora(data)
    learnt_from = (*COPIES, *(VARIANTS if varied else ()))
    made = sorted({*learnt_from, *JUDGED_COPIES})
    copies = list(heard_in(views, made, kept, net))
    calls = np.concatenate([calls_over(copy, data, kept, net) for copy in learnt_from])
    table = Table()
    for part in parts(views):
        by = learnt(part, copies, calls)
        if encoder == "tiny-en":
            save(by, net, run / part.name / WEIGHTS)
            write_recipe(RECIPE_OF_ALL, run / RECIPE)
        own = [heard for heard in copies if heard.corpus == part.corpus and heard.copy in JUDGED_COPIES]
        table.add(part, by.known, own)
        out.print(f"{part.name} is trained and judged")
    out.print(*table.rows(), sep="\n")


if __name__ == "__main__":
    script.run(main)
