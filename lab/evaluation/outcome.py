"""Outcomes: predictions on labelled sets, and what a report states of them."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from affectstream.lab.statistics import Floats, Labels
from affectstream.models.weights import Card
from affectstream.schemas.errors import InputError

SUFFIX = "-outcomes.npz"


@dataclass(frozen=True)
class About:
    """What a reader must know of a set before believing a figure on it."""

    name: str
    data: str
    split: str
    labels: str  # which labels, and what was left out
    groups: str  # what is redrawn for the intervals: actors, dialogues, ...
    main: bool = True  # whether it has its own chapter in the report
    judged: bool = True  # whether the model is judged by it


@dataclass(frozen=True)
class Outcome:
    """Seven probabilities for each labelled item, before and after the temperature."""

    about: About
    labels: Labels  # (n,)
    groups: tuple[str, ...]  # (n,)
    before: Floats  # (n, 7)
    after: Floats  # (n, 7)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # "sex" -> (n,) values

    def __post_init__(self) -> None:
        """Raise InputError where the rows do not fit together."""
        n = len(self.labels)
        sizes = {len(self.groups), len(self.before), len(self.after), *map(len, self.parts.values())}
        if n == 0 or sizes != {n}:
            raise InputError(f"{self.about.name}: {n} labels beside {sorted(sizes)} predictions or groups")


@dataclass(frozen=True)
class Point:
    """The figures under one condition; that of the input as it is has the name clean."""

    condition: str  # "blur"
    severity: float
    unit: str  # "sigma in pixels"
    figures: dict[str, float]
    items: int


@dataclass(frozen=True)
class Target:
    """One line of the table of targets."""

    figure: str
    wanted: str
    reached: str
    met: bool | None  # None where nothing is asked
    on: About | None
    items: int = 0
    groups: int = 0


@dataclass(frozen=True)
class Evaluation:
    """Everything that the report of one model says."""

    modality: str  # face, voice or text
    card: Card
    outcomes: tuple[Outcome, ...]
    points: tuple[Point, ...]
    curve: str  # the figure that the robustness curves show
    targets: tuple[Target, ...]
    notes: tuple[str, ...]
    command: str


def save(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the predictions, so that another run can be compared with them item by item."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for i, outcome in enumerate(outcomes):
        arrays |= {
            f"{i}.about": np.array(json.dumps(asdict(outcome.about))),
            f"{i}.labels": outcome.labels.astype(np.int8),
            f"{i}.groups": np.array(outcome.groups),
            f"{i}.before": outcome.before.astype(np.float32),
            f"{i}.after": outcome.after.astype(np.float32),
            **{f"{i}.part.{kind}": np.array(values) for kind, values in outcome.parts.items()},
        }
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> tuple[Outcome, ...]:
    """Return what ``save`` wrote; raises InputError for another file."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            count = sum(name.endswith(".about") for name in kept)
            return tuple(_outcome(kept, i) for i in range(count))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} holds no predictions of `affectstream evaluate -o`") from error


def of_run(folder: Path) -> tuple[Outcome, ...]:
    """Return the predictions kept in ``folder``; raises InputError where there are none."""
    files = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    if not files:
        raise InputError(
            f"{folder} holds no predictions (*{SUFFIX}): "
            f"run affectstream evaluate face|voice|text --weights FOLDER -o {folder}"
        )
    return tuple(outcome for file in files for outcome in load(file))


def _outcome(kept: "np.lib.npyio.NpzFile", i: int) -> Outcome:
    head = f"{i}.part."
    parts = {name[len(head) :]: tuple(map(str, kept[name])) for name in kept if name.startswith(head)}
    about = json.loads(str(kept[f"{i}.about"]))
    about["judged"] = about.pop("aims", about.get("judged", True))  # its name in older files
    return Outcome(
        About(**about),
        kept[f"{i}.labels"].astype(np.int64),
        tuple(map(str, kept[f"{i}.groups"])),
        kept[f"{i}.before"].astype(np.float64),
        kept[f"{i}.after"].astype(np.float64),
        parts,
    )
