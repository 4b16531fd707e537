"""A small table of posteriors in place of the real one: three experts who err alike now and then."""

import csv
from pathlib import Path

import numpy as np

from affectstream.lab.fusion.logs.moments import CORPUS, FACES, FILE, VOICE
from affectstream.schemas.labels import EMOTIONS

SKILL = {VOICE: 0.8, FACES[0]: 0.6, FACES[1]: 0.65}


def written(folder: Path, actors: int = 10, each: int = 3) -> Path:
    """Write the corpus below ``folder``, and return ``folder``."""
    rng = np.random.default_rng(5)
    path = folder / CORPUS / FILE
    path.parent.mkdir(parents=True)
    names = [f"{model}_{emotion}" for model in SKILL for emotion in EMOTIONS]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["clip", "actor", "emotion", "fold", *names])
        for n in range(actors * each * 7):
            actor, label = n % actors + 1, n // actors % 7
            rows = [_said(label, skill, rng) for skill in SKILL.values()]
            numbers = [f"{x:.6f}" for row in rows for x in row]
            table.writerow([f"clip {n}", actor, EMOTIONS[label], actor % 5, *numbers])
    return folder


def _said(label: int, skill: float, rng: np.random.Generator) -> np.ndarray:
    said = label if rng.random() < skill else rng.integers(0, 7)
    p = rng.dirichlet(np.full(7, 0.5)) * 0.3
    p[said] += 0.7
    return p
