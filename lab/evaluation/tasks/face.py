"""Evaluation of face weights on the splits of FER+ that training never read."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from affectstream.lab.datasets import duplicates
from affectstream.lab.datasets.ferplus import Faces, load_csv, load_npz, majority, seconded
from affectstream.lab.evaluation import targets
from affectstream.lab.evaluation.degrade_faces import FACES
from affectstream.lab.evaluation.figures import summary
from affectstream.lab.evaluation.labelled import evaluate as on_corpus
from affectstream.lab.evaluation.outcome import About, Evaluation, Outcome, Point, Target
from affectstream.lab.evaluation.run import EvaluationRequest, predicted
from affectstream.lab.evaluation.tasks.face_pictures import probabilities
from affectstream.lab.statistics import Floats, Labels, uncalibrated
from affectstream.models.face.crop import SIDE, Box
from affectstream.models.face.detect import Face
from affectstream.models.face.model import FaceModel
from affectstream.models.face.quality import face_quality
from affectstream.models.weights import read_card
from affectstream.schemas.errors import InputError

SPLITS = {"valid": "PublicTest", "test": "PrivateTest"}
LABELS = {
    "FER+ majority": "most of ten votes; ties, contempt, unknown and not-a-face left out",
    "FER+ over half of the votes": "more than half of ten votes",
    "FER2013's own labels": "one label of FER2013",
    "FER2013's own labels in doubt": "anger, fear and disgust that a tagger saw too, but not most of them",
    "FER+ majority, unseen": "most of ten votes; near duplicates of training faces left out",
}
LAYOUT = (
    "expected FOLDER/ferplus/valid.npz (PublicTest) or test.npz (PrivateTest), "
    "or fer2013.csv beside fer2013new.csv"
)
ROBUST_SHARE = 1 / 3
BATCH = 32
TIMED = 100  # batches
DETECTED = Face(Box(0, 0, SIDE, SIDE), 1.0)  # the quality is that of the picture, not of a detection
FACES_A_SECOND = 1000
OWN_LABELS = "face-fer2013"  # the weights that learnt FER2013's own labels
OWN_LABELS_LEAST = 0.66  # accuracy asked of the best network that learnt them
NOTES = (
    "The shipped model learnt the votes of FER+; on FER2013's own labels it is shown beside face-fer2013, "
    "the same network, which learnt these from Training without the near duplicates of PublicTest.",
)


def evaluate(request: EvaluationRequest) -> Evaluation:
    """Return the evaluation of the face weights; raises InputError where no split is found."""
    card = read_card("face", request.weights)
    found = list(splits(request))
    model = _loaded(request, "face")
    outcomes: list[Outcome] = []
    points: tuple[Point, ...] = ()
    where = targets.machine()
    speed = _speed(model)
    for name, faces in found:
        p = predicted(model.predict, list(faces.images), f"faces of {name}", request.progress)
        outcomes += outcomes_of(
            name, faces, p, card.temperature, None if request.quick else _trained(request)
        )
        points = points or _points(request, model, faces)
    lines = [line for outcome in outcomes for line in _targets(outcome, request.draws)]
    own = _own_labels(request, found)
    lines += [
        targets.at_least(f"accuracy of {OWN_LABELS}", each, "accuracy", OWN_LABELS_LEAST, request.draws)
        for each in own
    ]
    notes = (*(NOTES if own else ()), f"The speed was measured on {where}.")
    shown = (*outcomes, *own)
    return Evaluation("face", card, shown, points, "accuracy", (*lines, speed), notes, request.command)


def labelled(request: EvaluationRequest) -> Evaluation:
    """Return the evaluation on another corpus or on a folder by class; raises InputError."""
    if request.corpus == "ferplus":
        return evaluate(replace(request, data=request.folder or request.data))
    model = _loaded(request, "face")
    return on_corpus("face", request, lambda items: probabilities(items, model, request))


def splits(request: EvaluationRequest) -> Iterator[tuple[str, Faces]]:
    """Yield every split that is there except the training one."""
    if request.data is not None and request.data.is_file():
        if request.data.stem == "train":
            raise InputError(f"{request.data} is the training split: {LAYOUT}")
        yield _named(request.data), _some(request, load_npz(request.data))
        return
    for folder in request.folders("ferplus"):
        files = [path for path in sorted(folder.glob("*.npz"), reverse=True) if path.stem != "train"]
        if files:
            yield from ((_named(path), _some(request, load_npz(path))) for path in files)
            return
        pixels, votes = folder / "fer2013.csv", folder / "fer2013new.csv"
        if pixels.exists() and votes.exists():
            for usage in SPLITS.values():
                yield usage, _some(request, load_csv(pixels, votes, usage))
            return
    raise InputError(f"no faces to evaluate on in {request.folders('ferplus')[-1]}: {LAYOUT}")


def label_sets(faces: Faces, trained_on: Faces | None) -> dict[str, Labels]:
    """Return the ways to label ``faces``: the first is the one that the model is judged by.

    ``unseen`` leaves out the near duplicates of training images that FER2013 has across its splits.
    """
    plurality = majority(faces.votes)
    over_half = faces.votes.max(axis=1) * 2 > faces.votes.sum(axis=1)
    sets = {
        "FER+ majority": plurality,
        "FER+ over half of the votes": np.where(over_half, plurality, -1),
        "FER2013's own labels": faces.fer2013,
        "FER2013's own labels in doubt": np.where(
            seconded(faces) & (plurality != faces.fer2013), faces.fer2013, -1
        ),
    }
    if trained_on is not None:
        n = len(faces.images)
        together = duplicates.groups(np.concatenate([faces.images, trained_on.images]))
        sets["FER+ majority, unseen"] = np.where(np.isin(together[:n], together[n:]), -1, plurality)
    return sets


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
            judged=first,
        )
        keys = tuple(str(groups[i]) for i in rows)
        found.append(Outcome(about, labels[rows], keys, before[rows], p[rows]))
    return found


def _own_labels(request: EvaluationRequest, found: list[tuple[str, Faces]]) -> list[Outcome]:
    """Return what the weights that learnt FER2013's own labels say of each split, where they are there."""
    if not (request.weights / f"{OWN_LABELS}.json").exists():
        return []
    model, temperature = _loaded(request, OWN_LABELS), read_card(OWN_LABELS, request.weights).temperature
    outcomes = []
    for name, faces in found:
        rows = np.flatnonzero(faces.fer2013 >= 0)
        if len(rows):
            p = predicted(
                model.predict, list(faces.images[rows]), f"{name} by {OWN_LABELS}", request.progress
            )
            keys = tuple(map(str, duplicates.groups(faces.images)[rows]))
            title, split = f"FER2013's own labels by {OWN_LABELS}, {name}", f"{name}, not trained on"
            labels = LABELS["FER2013's own labels"]
            about = About(title, "FER2013 images", split, labels, "sets of near duplicates", judged=False)
            outcomes.append(Outcome(about, faces.fer2013[rows], keys, uncalibrated(p, temperature), p))
    return outcomes


def _loaded(request: EvaluationRequest, name: str) -> FaceModel:
    model = FaceModel(name, folder=request.weights)
    model.load(request.device)
    return model


def _named(path: Path) -> str:
    return SPLITS.get(path.stem, path.stem)


def _some(request: EvaluationRequest, faces: Faces) -> Faces:
    return faces.take(np.arange(len(faces.images))[request.some(len(faces.images))])


def _trained(request: EvaluationRequest) -> Faces | None:
    """Return the training faces where they are, to leave out what looks the same."""
    there = [f / "train.npz" for f in request.folders("ferplus") if (f / "train.npz").exists()]
    return load_npz(there[0]) if there else None


def _points(request: EvaluationRequest, model: FaceModel, faces: Faces) -> tuple[Point, ...]:
    labels = next(iter(label_sets(faces, None).values()))
    rows = np.flatnonzero(labels >= 0)
    rows = rows[request.some(len(rows), ROBUST_SHARE)]

    def point(condition: str, severity: float, unit: str, images: list[np.ndarray]) -> Point:
        p = predicted(model.predict, images, f"{condition} {severity:g}", request.progress)
        figures = summary(p, labels[rows])
        figures["quality"] = float(np.mean([face_quality(image, DETECTED) for image in images]))
        return Point(condition, severity, unit, figures, len(rows))

    points = [point("clean", 0, "", list(faces.images[rows]))]
    for condition, unit, made, severities in FACES:
        for severity in severities:
            worse = [made(severity)(face) for face in faces.images[rows]]
            points.append(point(condition, severity, unit, worse))
    return tuple(points)


def _targets(outcome: Outcome, draws: int) -> Iterator[Target]:
    bounds = (0.85, 0.72) if outcome.about.judged else (None, None)
    yield targets.at_least("accuracy", outcome, "accuracy", bounds[0], draws)
    yield targets.at_least("macro F1", outcome, "macro_f1", bounds[1], draws)
    if outcome.about.judged:
        yield targets.calibrated(outcome)


def _speed(model: FaceModel) -> Target:
    faces = list(np.random.default_rng(0).integers(0, 255, (BATCH, 48, 48), dtype=np.uint8))
    took = targets.timed(lambda: model.predict(faces), TIMED)
    median, best = (BATCH * 1000 / ms for ms in took)
    reached = f"{best:,.0f} (median {median:,.0f})"
    return Target(
        "faces a second at batch 32", f">= {FACES_A_SECOND:,}", reached, best >= FACES_A_SECOND, None
    )
