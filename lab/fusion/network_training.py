"""Training and shipping of the fusion networks: ``python -m affectstream.lab.fusion.network_training``.

The windows are those that the pools are fitted on (``lab.fusion.pairs``, the fit part), more of them: each
once as it is and once with failures, drawn for every modality.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from affectstream.lab.fusion import failures, pairs, probability_logs
from affectstream.lab.fusion.log import Log
from affectstream.lab.fusion.network_training_loop import Recipe, Trained, export, train
from affectstream.lab.fusion.networks import KINDS
from affectstream.models.fusion.network_rule import FOLDER, file_of
from affectstream.models.weights import read_card
from affectstream.schemas.errors import AffectError

LOGS = Path("runs/fusion/logs")
PER_ACTOR = 800  # windows, against 300 for the pools: a network has more to learn
RECIPES = dict.fromkeys(KINDS, Recipe())
Tell = Callable[[str], None]


def windows(logs: Path, seed: int = 0, per_actor: int = PER_ACTOR) -> Log:
    """Return the windows to train on, from the folder of the logs; raises InputError."""
    calls = pairs.paired(
        probability_logs.read_all(logs), "fit", "meld", per_actor
    )  # the same parts for every seed
    return failures.corrupted(calls, np.random.default_rng([seed, 5]))


def ship(kinds: Sequence[str], log: Log, seed: int, folder: Path, tell: Tell) -> dict[str, Trained]:
    """Train and write the networks of ``kinds``; raises InputError, ModelError."""
    models = {name: _of(name) for name in ("face", "voice", "text")}
    done = {}
    for kind in kinds:
        recipe = replace(RECIPES[kind], seed=seed)
        done[kind] = train(kind, log, recipe)
        path = folder / file_of(kind)
        statement = {**models, "data": log.source, "recipe": json.dumps(asdict(recipe))}
        export(done[kind], path, statement)
        tell(
            f"wrote {path}: {path.stat().st_size / 1e6:.2f} MB, {done[kind].epochs} epochs, held-out NLL "
            f"{done[kind].held_nll:.4f}, temperature {done[kind].temperature:.3f}"
        )
    return done


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the networks that are named; all three where none is."""
    parser = argparse.ArgumentParser(description="Train the networks that fuse embeddings, and ship them.")
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="which; default: all", metavar="KIND")
    parser.add_argument("--logs", type=Path, default=LOGS, help="folder of the probability logs")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder for the networks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    try:
        ship(given.kinds or list(KINDS), windows(given.logs, given.seed), given.seed, given.output, _print)
    except AffectError as error:
        raise SystemExit(str(error)) from None


def _of(name: str) -> str:
    """Return which model's embeddings a network reads, as its file says it."""
    card = read_card(name)
    return f"{card.model_id} {card.sha256[:12]}"


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
