"""Evaluation of face weights on the splits of FER+ that training never read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectstream.lab.datasets.ferplus import Faces, load_csv, load_npz
from affectstream.lab.evaluation import aims
from affectstream.lab.evaluation.degrade_faces import FACES
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.given import Given, predicted
from affectstream.lab.evaluation.outcome import About, Aim, Evaluation, Outcome, Point
from affectstream.lab.face import duplicates
from affectstream.lab.face.evaluate import label_sets
from affectstream.lab.statistics import Floats, uncalibrated
from affectstream.models.face.model import FaceModel
from affectstream.models.weights import read_card
from affectstream.schemas.errors import InputError

SPLITS = {"valid": "PublicTest", "test": "PrivateTest"}
LABELS = {
    "FER+ majority": "most of ten votes; ties, contempt, unknown and not-a-face left out",
    "FER+ over half of the votes": "more than half of ten votes",
    "FER2013's own labels": "one label of FER2013",
    "FER+ majority, unseen": "most of ten votes; near duplicates of training faces left out",
}
LAYOUT = (
    "expected FOLDER/ferplus/valid.npz (PublicTest) or test.npz (PrivateTest), "
    "or fer2013.csv beside fer2013new.csv"
)
ROBUST_SHARE = 1 / 3
BATCH = 32
FACES_A_SECOND = 1000
OWN_LABELS = "face-fer2013"  # the weights that learnt FER2013's own labels
OWN_LABELS_LEAST = 0.66  # accuracy asked of the best network that learnt them
NOTES = (
    "The shipped model learnt the votes of FER+; on FER2013's own labels it is shown beside face-fer2013, "
    "the same network, which learnt these from Training without the near duplicates of PublicTest.",
)


def evaluate(given: Given) -> Evaluation:
    """Return the evaluation of the face weights; raises InputError where no split is found."""
    card = read_card("face", given.weights)
    found = list(splits(given))
    model = _loaded(given, "face")
    outcomes: list[Outcome] = []
    points: tuple[Point, ...] = ()
    where = aims.machine()
    speed = _speed(model)
    for name, faces in found:
        p = predicted(model.predict, list(faces.images), f"faces of {name}", given.progress)
        outcomes += outcomes_of(name, faces, p, card.temperature, None if given.quick else _trained(given))
        points = points or _points(given, model, faces)
    lines = [line for outcome in outcomes for line in _aims(outcome, given.draws)]
    own = _own_labels(given, found)
    lines += [
        aims.at_least(f"accuracy of {OWN_LABELS}", each, "accuracy", OWN_LABELS_LEAST, given.draws)
        for each in own
    ]
    notes = (*(NOTES if own else ()), f"The speed was measured on {where}.")
    shown = (*outcomes, *own)
    return Evaluation("face", card, shown, points, "accuracy", (*lines, speed), notes, given.command)


def splits(given: Given) -> Iterator[tuple[str, Faces]]:
    """Yield every split that is there except the training one."""
    if given.data is not None and given.data.is_file():
        if given.data.stem == "train":
            raise InputError(f"{given.data} is the training split: {LAYOUT}")
        yield _named(given.data), _some(given, load_npz(given.data))
        return
    for folder in given.folders("ferplus"):
        files = [path for path in sorted(folder.glob("*.npz"), reverse=True) if path.stem != "train"]
        if files:
            yield from ((_named(path), _some(given, load_npz(path))) for path in files)
            return
        pixels, votes = folder / "fer2013.csv", folder / "fer2013new.csv"
        if pixels.exists() and votes.exists():
            for usage in SPLITS.values():
                yield usage, _some(given, load_csv(pixels, votes, usage))
            return
    raise InputError(f"no faces to evaluate on in {given.folders('ferplus')[-1]}: {LAYOUT}")


def outcomes_of(
    split: str, faces: Faces, p: Floats, temperature: float, trained_on: Faces | None
) -> list[Outcome]:
    """Return the predictions ``p`` (n, 7) beside each set of labels; only the first is judged by."""
    groups = duplicates.groups(faces.images)
    before = uncalibrated(p, temperature)
    found = []
    for name, labels in label_sets(faces, trained_on).items():
        rows = np.flatnonzero(labels >= 0)
        if not len(rows):
            continue
        first = name == next(iter(LABELS))
        about = About(
            f"{name}, {split}",
            "FER2013 images" if "FER2013" in name else "FER+",
            f"{split}, not trained on",
            LABELS[name],
            "sets of near duplicates",
            main=first,
            aims=first,
        )
        keys = tuple(str(groups[i]) for i in rows)
        found.append(Outcome(about, labels[rows], keys, before[rows], p[rows]))
    return found


def _own_labels(given: Given, found: list[tuple[str, Faces]]) -> list[Outcome]:
    """Return what the weights that learnt FER2013's own labels say of each split, where they are there."""
    if not (given.weights / f"{OWN_LABELS}.json").exists():
        return []
    model, temperature = _loaded(given, OWN_LABELS), read_card(OWN_LABELS, given.weights).temperature
    outcomes = []
    for name, faces in found:
        rows = np.flatnonzero(faces.fer2013 >= 0)
        if len(rows):
            p = predicted(model.predict, list(faces.images[rows]), f"{name} by {OWN_LABELS}", given.progress)
            keys = tuple(map(str, duplicates.groups(faces.images)[rows]))
            title, split = f"FER2013's own labels by {OWN_LABELS}, {name}", f"{name}, not trained on"
            labels = LABELS["FER2013's own labels"]
            about = About(title, "FER2013 images", split, labels, "sets of near duplicates", aims=False)
            outcomes.append(Outcome(about, faces.fer2013[rows], keys, uncalibrated(p, temperature), p))
    return outcomes


def _loaded(given: Given, name: str) -> FaceModel:
    model = FaceModel(name, folder=given.weights)
    model.load(given.device)
    return model


def _named(path: Path) -> str:
    return SPLITS.get(path.stem, path.stem)


def _some(given: Given, faces: Faces) -> Faces:
    return faces.take(np.arange(len(faces.images))[given.some(len(faces.images))])


def _trained(given: Given) -> Faces | None:
    """Return the training faces where they are, to leave out what looks the same."""
    there = [f / "train.npz" for f in given.folders("ferplus") if (f / "train.npz").exists()]
    return load_npz(there[0]) if there else None


def _points(given: Given, model: FaceModel, faces: Faces) -> tuple[Point, ...]:
    labels = next(iter(label_sets(faces, None).values()))
    rows = np.flatnonzero(labels >= 0)
    rows = rows[given.some(len(rows), ROBUST_SHARE)]

    def point(condition: str, severity: float, unit: str, images: list[np.ndarray]) -> Point:
        p = predicted(model.predict, images, f"{condition} {severity:g}", given.progress)
        return Point(condition, severity, unit, summary(p, labels[rows]), len(rows))

    points = [point("clean", 0, "", list(faces.images[rows]))]
    for condition, unit, made, severities in FACES:
        for severity in severities:
            worse = [made(severity)(face) for face in faces.images[rows]]
            points.append(point(condition, severity, unit, worse))
    return tuple(points)


def _aims(outcome: Outcome, draws: int) -> Iterator[Aim]:
    bounds = (0.84, 0.72) if outcome.about.aims else (None, None)
    yield aims.at_least("accuracy", outcome, "accuracy", bounds[0], draws)
    yield aims.at_least("macro F1", outcome, "macro_f1", bounds[1], draws)
    if outcome.about.aims:
        yield aims.calibrated(outcome)


def _speed(model: FaceModel) -> Aim:
    faces = list(np.random.default_rng(0).integers(0, 255, (BATCH, 48, 48), dtype=np.uint8))
    took = aims.timed(lambda: model.predict(faces), 100)
    median, best = (BATCH * 1000 / ms for ms in took)
    reached = f"{best:,.0f} (median {median:,.0f})"
    return Aim("faces a second at batch 32", f">= {FACES_A_SECOND:,}", reached, best >= FACES_A_SECOND, None)
