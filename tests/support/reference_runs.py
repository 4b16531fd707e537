"""Tiny corpora for the reference networks, and the command line typed."""

from pathlib import Path

import numpy as np
import soundfile
from typer.testing import CliRunner, Result

from affectstream.cli import app
from affectstream.schemas.labels import RAVDESS


def faces(path: Path, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.arange(n) % 7
    votes = np.zeros((n, 10), np.int8)
    votes[:, 0] = 8
    np.savez(
        path,
        images=rng.integers(0, 255, (n, 48, 48), dtype=np.uint8),
        votes=votes,
        fer2013=labels.astype(np.int8),
        names=np.array([f"{i}" for i in range(n)]),
    )


def speech(folder: Path, actors: range) -> None:
    rng = np.random.default_rng(0)
    for actor in actors:
        (folder / f"Actor_{actor:02d}").mkdir(parents=True)
        for code in RAVDESS:
            path = folder / f"Actor_{actor:02d}" / f"03-01-{code}-01-01-01-{actor:02d}.wav"
            soundfile.write(path, rng.normal(0, 0.1, 9600), 16_000)


def texts(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    words = {"joy": "what a lovely day", "anger": "what an awful day", "neutral": "it is a day"}
    for split, dialogues in (("train", 12), ("dev", 4), ("test", 4)):
        lines = ["Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID"]
        for d in range(dialogues):
            lines += [f"{text},Ross,{name},{d},{u}" for u, (name, text) in enumerate(words.items())]
            lines += [f"it was a day,Ross,neutral,{d},3"]
        (folder / f"{split}_sent_emo.csv").write_text("\n".join(lines) + "\n")


def typed(*arguments: object) -> Result:
    """Return what the command line answers; its errors are raised."""
    done = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done
