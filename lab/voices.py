"""One voice or two: the axes of `producers.voices`, fitted, and its error rates, on corpora and calls.

``python -m affectstream.lab.voices [--fit]`` needs AFFECT_DATA. All sound is brought to a telephone's 8 kHz.
Sessions of clips have no pauses but those inside the clips: there the distance of the voices alone decides.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import soxr
import typer

from affectstream.lab.datasets.files import corpora
from affectstream.producers.voices import APART, RATE_HZ, Floats, Samples, apart, judged, stretches
from affectstream.schemas.errors import InputError

CORPORA = ("ravdess", "tess", "nemo", "turev")
CLIPS = 24  # of a speaker
CALM = frozenset({"neutral", "calm"})
N_AXES = 3
DRAWS, OF_EACH = 300, 10  # sessions; stretches of a voice in one
MINUTE = 60 * RATE_HZ

Speaker = tuple[str, str]  # corpus, name
Clips = dict[Speaker, list[tuple[str, Floats]]]  # emotion, stretches (n, 20)


def main(
    fit: Annotated[bool, typer.Option("--fit", help="print the axes too, fitted anew")] = False,
) -> None:
    """Print how often one voice, or two, is taken for the other."""
    try:
        data, rng = corpora(), np.random.default_rng(0)
    except InputError as error:
        raise SystemExit(f"error: {error}") from error
    clips = _clips(data, rng)
    if fit:
        axes = fitted(clips)
        print("AXES = (")  # noqa: T201
        for row in axes:
            print(f"    ({', '.join(f'{value:.4g}' for value in row)}),")  # noqa: T201
        print(")")  # noqa: T201
    half = sorted(clips)[::2]
    held_out = fitted({who: clips[who] for who in clips if who not in half})
    rows = [*_sessions({who: clips[who] for who in half}, held_out, rng), *_calls(data)]
    for row in rows:
        print(row)  # noqa: T201


def fitted(clips: Clips) -> Floats:
    """Return Fisher's axes (20, 3): where speakers lie apart, in the spread of each over all emotions."""
    own = {who: np.concatenate([vectors for _, vectors in found]) for who, found in clips.items()}
    inner = np.cov(np.concatenate([vectors - vectors.mean(axis=0) for vectors in own.values()]).T)
    inner += 1e-3 * np.eye(len(inner)) * np.trace(inner) / len(inner)
    centres = defaultdict(list)
    for (corpus, _), vectors in own.items():
        centres[corpus].append(vectors.mean(axis=0))
    outer = np.cov(np.concatenate([np.array(each) - np.mean(each, axis=0) for each in centres.values()]).T)
    whiten = np.linalg.cholesky(np.linalg.inv(inner))
    _, directions = np.linalg.eigh(whiten.T @ outer @ whiten)
    axes: Floats = whiten @ directions[:, ::-1][:, :N_AXES]
    return axes


def _clips(data: Path, rng: np.random.Generator) -> Clips:
    found: Clips = {}
    for corpus in CORPORA:
        by_speaker = defaultdict(list)
        for row in csv.DictReader((data / corpus / "labels.csv").open(encoding="utf-8")):
            by_speaker[row.get("actor") or row["speaker"]].append(row)
        for name, rows in by_speaker.items():
            calm = [row for row in rows if row["emotion"] in CALM][: CLIPS // 2]
            drawn = [rows[n] for n in rng.permutation(len(rows))[:CLIPS]]
            read = [(row["emotion"], stretches(_sound(data / corpus / row["path"]))) for row in calm + drawn]
            found[corpus, name] = [(emotion, vectors) for emotion, vectors in read if len(vectors)]
    return found


def _sound(path: Path) -> Samples:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    return np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), np.float32)


def _sessions(clips: Clips, axes: Floats, rng: np.random.Generator) -> list[str]:
    """Return how often sessions put together from clips of unseen speakers are taken for two voices."""

    def drawn(who: Speaker, calm: bool, count: int) -> Floats:
        own = [vectors for emotion, vectors in clips[who] if not calm or emotion in CALM]
        every = np.concatenate(own)
        return every[rng.permutation(len(every))[:count]]

    def share(calm: bool, two: bool) -> str:
        taken = 0
        able = [who for who in clips if sum(len(v) for e, v in clips[who] if e in CALM) >= OF_EACH]
        for _ in range(DRAWS):
            who = able[rng.integers(len(able))]
            others = [each for each in able if each[0] == who[0] and each != who] or able
            parts = [drawn(who, calm, OF_EACH if two else 2 * OF_EACH)]
            parts += [drawn(others[rng.integers(len(others))], calm, OF_EACH)] if two else []
            taken += apart(np.concatenate(parts) @ axes) > APART
        voices, mood = "two voices" if two else "one voice", "calm" if calm else "all emotions, acted"
        return f"{voices}, {mood}: taken for two {100 * taken / DRAWS:.0f} % of {DRAWS}"

    return [share(calm, two) for calm in (True, False) for two in (False, True)]


def _calls(data: Path) -> list[str]:
    """Return what is found of whole calls, and of their minutes."""
    sides = [_sound(data / "calls" / f"auto_repairs_40_{name}.flac") for name in ("agent", "caller")]
    size = min(map(len, sides))
    tracks: dict[str, Samples] = {"auto_repairs_40 agent": sides[0], "auto_repairs_40 caller": sides[1]}
    tracks["auto_repairs_40 mixed"] = sides[0][:size] + sides[1][:size]
    for name in ("auto0_mono_mixed", "katiesteve_mono"):
        tracks[name] = _sound(data / "calls" / f"{name}.flac")
    return [_of_call(name, samples) for name, samples in tracks.items()]


def _of_call(name: str, samples: Samples) -> str:
    whole = judged(samples)
    minutes: Sequence[Samples] = [samples[at : at + MINUTE] for at in range(0, len(samples), MINUTE)]
    found = [judged(minute) for minute in minutes if len(minute) > MINUTE // 2]
    taken = f"minutes taken for mixed {sum(v.mixed for v in found)} of {len(found)}"
    said = "mixed" if whole.mixed else "one voice"
    return f"{name}: {said}; apart {whole.apart:.2f}, pauses {whole.pauses:.2f}; {taken}"


if __name__ == "__main__":
    typer.run(main)
