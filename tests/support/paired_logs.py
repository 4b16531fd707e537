"""Small probability logs in place of the recorded ones: every class, many groups, one bad condition."""

from pathlib import Path

import numpy as np

from affectstream.lab.fusion.logs.items import ProbabilityLog, write
from affectstream.schemas.messages import Modality

SETS: dict[str, tuple[Modality, int, int]] = {  # modality, items of each class, groups
    "video-ferplus-valid": ("video", 24, 80),
    "audio-ravdess": ("audio", 40, 12),
    "text-meld-held-out": ("text", 20, 30),
    "text-meld-dev": ("text", 20, 30),
    "text-goemotions-dev": ("text", 10, 70),
}
SIZE = 4  # of the embeddings
ACCURACY = {"video": 0.85, "audio": 0.6, "text": 0.7}


def log_of(name: str, seed: int = 0) -> ProbabilityLog:
    """Return a log whose items say their class with the modality's accuracy, in noise less often."""
    modality, each, groups = SETS[name]
    rng = np.random.default_rng([seed, *name.encode()])
    labels = np.tile(np.arange(7), each)
    n = len(labels)
    shape = (2, n)
    right = rng.random(shape) < np.array([[ACCURACY[modality]], [0.4]])
    said = np.where(right, labels, (labels + rng.integers(1, 7, shape)) % 7)
    p = np.full((*shape, 7), 0.05) + 0.65 * np.eye(7)[said]
    return ProbabilityLog(
        modality,
        name,
        f"Simulated {name}.",
        ("clean", "in noise"),
        p,
        np.ones(shape, bool),
        np.clip(np.array([[0.9], [0.4]]) + 0.05 * rng.normal(size=shape), 0, 1),
        labels,
        # blocks of 7 share a group, so that every group has every class
        np.array([f"{name} {i // 7 % groups}" for i in range(n)]),
        np.array([f"{name} item {i}" for i in range(n)]),
        rng.normal(size=(*shape, SIZE)).astype(np.float32),
    )


def logs() -> dict[str, ProbabilityLog]:
    """Return all that pairs are made of."""
    return {name: log_of(name) for name in SETS}


def written(folder: Path) -> Path:
    """Write all of them where the commands look for them, and return the folder."""
    for name, log in logs().items():
        write(log, folder / f"{name}.npz")
    return folder
