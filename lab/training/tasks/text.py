"""Fine-tunes the text model on MELD and GoEmotions together: ``python -m affectstream.lab.text.train``.

A part of MELD's training dialogues and of GoEmotions' training comments is held out for choosing the weights
and the temperature; the official development sets are read by ``affectstream.lab.text.evaluate`` only.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.metrics import f1_score
from torch import Tensor, nn

from affectstream.lab.datasets import folder
from affectstream.lab.datasets import texts as corpus
from affectstream.lab.statistics import fit_temperature
from affectstream.lab.text.network import CORPORA, TextNetwork
from affectstream.lab.text.start import start_folder, started
from affectstream.models.protocol import Array
from affectstream.models.text.tokenise import Tokeniser


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run depends on; kept beside its result."""

    data: str
    out: str
    start: str
    seed: int = 7  # of what is held out
    order: int = 0  # of the batches and the dropout: runs that differ in it only may be averaged
    batch: int = 32
    meld_epochs: int = 3
    goemotions_cap: int = 9000
    lr: float = 1e-4
    head_lr: float = 1e-3
    layer_decay: float = 0.85
    warmup: float = 0.06
    weight_decay: float = 0.01
    held_share: float = 0.10
    goemotions_held: float = 0.05
    threads: int = 1
    precision: str = "float32"  # of the matrix products in training; the weights stay float32
    checkpoint_every: int = 100  # steps


def parameter_groups(network: TextNetwork, s: Settings) -> list[dict[str, Any]]:
    """Return AdamW's groups: the rate falls by ``layer_decay`` per layer from the top to the embeddings."""
    layers = len(network.bert.encoder.layer)
    groups = []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("bert.encoder.layer."):
            rate = s.lr * s.layer_decay ** (layers - 1 - int(name.split(".")[3]))
        elif name.startswith("bert."):
            rate = s.lr * s.layer_decay**layers
        else:
            rate = s.head_lr
        decay = s.weight_decay if parameter.ndim > 1 and "LayerNorm" not in name else 0.0
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    return groups


def logits_of(network: nn.Module, arrays: Sequence[Array], corpora: Sequence[int], size: int = 64) -> Array:
    """Return the logits (n, 7) of laid-out texts, computed in order of length."""
    network.eval()
    order = sorted(range(len(arrays)), key=lambda i: arrays[i].shape[1])
    out = np.zeros((len(arrays), 7))
    for i in range(0, len(order), size):
        part = order[i : i + size]
        with torch.inference_mode():
            got = network(
                torch.from_numpy(corpus.pad([arrays[j] for j in part])),
                torch.tensor([corpora[j] for j in part]),
            )
        out[part] = got.double().numpy()
    network.train()
    return out


def validated(network: nn.Module, rows: Sequence[corpus.Row], tokeniser: Tokeniser) -> dict[str, float]:
    """Return the figures of held-out rows, per corpus."""
    figures: dict[str, float] = {}
    for index, name in enumerate(CORPORA):
        mine = [r for r in rows if r.corpus == index]
        logits = logits_of(network, [tokeniser.layout(r.text, r.context) for r in mine], [index] * len(mine))
        truth, said = np.array([r.label for r in mine]), logits.argmax(1)
        figures[f"{name}_weighted_f1"] = float(f1_score(truth, said, average="weighted", zero_division=0))
        figures[f"{name}_macro_f1"] = float(f1_score(truth, said, average="macro", zero_division=0))
        figures[f"{name}_temperature"] = fit_temperature(logits, truth)
    return figures


def rows_of(s: Settings) -> tuple[list[corpus.Row], list[corpus.Row], list[corpus.Row]]:
    """Return MELD's and GoEmotions' rows to train on and the rows held out of both."""
    data = Path(s.data)
    meld, held_meld = corpus.hold_out(
        corpus.meld_rows(data / "meld" / "train_sent_emo.csv"), s.held_share, s.seed
    )
    go, held_go = corpus.hold_out(
        corpus.goemotions_rows(data / "goemotions" / "train.tsv"), s.goemotions_held, s.seed
    )
    return meld, corpus.capped(go, s.goemotions_cap, s.seed + s.order), held_meld + held_go


def plan(s: Settings, tokeniser: Tokeniser) -> tuple[list[corpus.Batch], list[corpus.Row]]:
    """Return the batches of the whole run in order and the held-out rows.

    GoEmotions is passed once and MELD ``meld_epochs`` times, each time beside a part of GoEmotions.
    """
    meld, go, held = rows_of(s)
    planned: list[corpus.Batch] = []
    for epoch in range(s.meld_epochs):
        part = go[epoch :: s.meld_epochs]
        planned += corpus.batches(meld + part, tokeniser, s.batch, s.seed * 1000 + 100 * s.order + epoch)
    return planned, held


def rate_at(step: int, total: int, warmup: float) -> float:
    """Return the factor of the learning rate: linear warm-up, then linear decay to zero."""
    rise = max(1, int(total * warmup))
    return min(1.0, (step + 1) / rise) if step < rise else max(0.0, (total - step) / (total - rise))


def step_loss(network: TextNetwork, batch: corpus.Batch, mixed: bool) -> Tensor:
    """Return the mean cross entropy of one batch; ``mixed`` takes its products in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        logits = network(torch.from_numpy(batch.prepared), torch.from_numpy(batch.corpora))
    return nn.functional.cross_entropy(logits.float(), torch.from_numpy(batch.labels))


def train(s: Settings, console: Console) -> None:
    """Run or resume training in ``s.out``; writes config.json, log.jsonl and checkpoint.pt there."""
    out = Path(s.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(s.threads)
    torch.manual_seed(s.seed + s.order)
    network, config = started(Path(s.start))
    (out / "config.json").write_text(json.dumps({"settings": asdict(s), "encoder": config}, indent=2))
    tokeniser = Tokeniser(Path(s.start) / "tokenizer.json")
    planned, held = plan(s, tokeniser)
    optimiser = torch.optim.AdamW(parameter_groups(network, s), betas=(0.9, 0.98))
    base = [group["lr"] for group in optimiser.param_groups]
    done = resumed(out, network, optimiser)
    console.log(f"{len(planned)} steps, {len(held)} rows held out, starting at step {done}")
    with progress(console) as bar:
        task = bar.add_task("training", total=len(planned), completed=done, loss="")
        total_loss, network = 0.0, network.train()
        for step in range(done, len(planned)):
            for group, rate in zip(optimiser.param_groups, base, strict=True):
                group["lr"] = rate * rate_at(step, len(planned), s.warmup)
            torch.manual_seed((s.seed + s.order) * 1_000_000 + step)  # dropout is the same after a resumption
            loss = step_loss(network, planned[step], s.precision == "bfloat16")
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            total_loss = 0.98 * total_loss + 0.02 * loss.item() if step > done else loss.item()
            bar.update(task, advance=1, loss=f"{total_loss:.3f}")
            if (step + 1) % s.checkpoint_every == 0 or step + 1 == len(planned):
                log(out, console, {"step": step + 1, "loss": round(total_loss, 4)})
                save(out, network, optimiser, step + 1)
            if (step + 1) % (len(planned) // 5) == 0 or step + 1 == len(planned):
                log(out, console, {"step": step + 1, **validated(network, held, tokeniser)})


def progress(console: Console) -> Progress:
    """Return the progress bar of a run."""
    return Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def log(out: Path, console: Console, record: dict[str, float]) -> None:
    """Append ``record`` to the run's log and show it."""
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    console.log(record)


def save(out: Path, network: nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    """Write the checkpoint of ``step``, whole or not at all."""
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
    torch.save(state, out / "checkpoint.part")
    (out / "checkpoint.part").replace(out / "checkpoint.pt")


def resumed(out: Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Load the checkpoint of ``out`` where there is one; returns the steps done."""
    if not (out / "checkpoint.pt").exists():
        return 0
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description="Fine-tune the text model on MELD and GoEmotions.")
    parser.add_argument("--data", default=None)
    parser.add_argument("--out", default="runs/text")
    parser.add_argument("--start", default=None, help="folder of the starting weights")
    for name, kind in (
        ("seed", int),
        ("order", int),
        ("batch", int),
        ("meld-epochs", int),
        ("goemotions-cap", int),
    ):
        parser.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS)
    for name in ("lr", "head-lr", "layer-decay"):
        parser.add_argument(f"--{name}", type=float, default=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=argparse.SUPPRESS)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default=argparse.SUPPRESS)
    given = vars(parser.parse_args(argv))
    given["data"] = str(folder.corpora(given["data"]))
    given["start"] = given["start"] or str(start_folder())
    train(Settings(**given), Console())


if __name__ == "__main__":
    main()
