"""Labels of hub models find their place among the seven; what a model cannot see is lifted, never zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.paths import ROOT

from affectstream.models.hub.known import MODELS, ONNX_FACES, known, onnx_face
from affectstream.models.hub.labels import NAMES, REMOVED, UNIFORM, label_map, lifted
from affectstream.schemas.errors import ModelError
from affectstream.schemas.labels import EMOTIONS, INDEX


@pytest.mark.parametrize(
    ("names", "emotions"),
    [
        (("neu", "hap", "ang", "sad"), ("neutral", "happy", "angry", "sad")),
        (
            ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised"),
            ("angry", "neutral", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
        ),
        (
            ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"),
            ("angry", None, "disgust", "fear", "happy", "neutral", "sad", "surprise"),
        ),
        (
            ("生气/angry", "开心/happy", "其他/other", "<unk>"),
            ("angry", "happy", None, None),
        ),
        (
            ("sadness", "joy", "love", "anger", "fear", "surprise"),
            ("sad", "happy", "happy", "angry", "fear", "surprise"),
        ),
        (("curiosity", "remorse", "annoyance"), ("surprise", "sad", "angry")),
    ],
)
def test_names_of_many_models_find_their_emotion(
    names: tuple[str, ...], emotions: tuple[str | None, ...]
) -> None:
    targets = tuple(REMOVED if name is None else INDEX[name] for name in emotions)
    assert label_map(names).targets == targets


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("happy", "hungry"), r"the labels \['hungry'\] .* are not understood: in a local copy"),
        (("arousal", "dominance", "valence"), "predicts arousal, dominance, valence and no classes"),
        (("other", "contempt"), "none of the labels"),
    ],
)
def test_labels_that_are_no_emotions_are_refused(names: tuple[str, ...], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        label_map(names)


def test_missing_classes_keep_their_prior() -> None:
    where = label_map(("neu", "hap", "ang", "sad"))
    predictions = lifted(np.array([[0.1, 0.0, 0.9, 0.0]]), where)
    share = dict(zip(EMOTIONS, predictions.p[0], strict=True))
    assert share["angry"] == pytest.approx(0.9 * 4 / 7)
    assert share["happy"] == 0.0  # it has seen joy, and says no
    assert [share[name] for name in ("fear", "disgust", "surprise")] == pytest.approx([1 / 7] * 3)
    assert predictions.removed[0] == 0.0


def test_removed_mass_is_reported_and_the_rest_fills_its_place() -> None:
    names = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    outputs = np.array([[0.3, 0.4, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0], [0, 1.0, 0, 0, 0, 0, 0, 0]])
    predictions = lifted(outputs, label_map(names))
    half, nothing = predictions.p
    assert half[INDEX["angry"]] == half[INDEX["happy"]] == pytest.approx(0.5)
    assert nothing.tolist() == UNIFORM.tolist()
    assert predictions.removed.tolist() == [pytest.approx(0.4), 1.0]


def test_of_independent_scores_the_largest_of_a_class_counts() -> None:
    where = label_map(("joy", "love", "pride", "anger"), independent=True)
    (row,) = lifted(np.array([[0.4, 0.4, 0.4, 0.4]]), where, UNIFORM).p
    assert row[INDEX["happy"]] == row[INDEX["angry"]] == pytest.approx(1 / 7)
    silent = lifted(np.zeros((1, 4)), where)
    assert silent.p[0].tolist() == UNIFORM.tolist()
    assert silent.removed[0] == 1.0


@given(
    outputs=arrays(np.float64, (3, 6), elements=st.floats(0, 1)),
    names=st.lists(st.sampled_from(sorted(NAMES)), min_size=6, max_size=6).filter(
        lambda names: any(NAMES[name] != REMOVED for name in names)
    ),
    independent=st.booleans(),
)
def test_whatever_comes_out_is_a_distribution(
    outputs: np.ndarray, names: list[str], independent: bool
) -> None:
    where = label_map(names, independent)
    together = lifted(outputs, where)
    alone = [lifted(outputs[i : i + 1], where) for i in range(3)]
    assert together.p.sum(axis=1) == pytest.approx([1, 1, 1])
    assert np.array_equal(together.p, np.concatenate([one.p for one in alone]))
    assert np.array_equal(together.removed, np.concatenate([one.removed for one in alone]))
    for values in (together.p, together.removed):
        assert ((values >= 0) & (values <= 1)).all()
    assert (together.p[:, ~where.seen] == UNIFORM[0]).all()


def test_every_order_that_is_known_is_understood() -> None:
    assert all(label_map(model.labels) for model in MODELS if model.labels)
    assert all(label_map(face.labels) for face in ONNX_FACES)
    assert all(face.outputs - len(face.labels) in (0, 2) for face in ONNX_FACES)


def test_a_local_folder_is_known_by_the_end_of_the_id() -> None:
    assert known("/models/vit-face-expression") is known("trpakov/vit-face-expression") is not None
    assert known("someone/else") is None
    assert known("someone/vit-face-expression") is None
    assert {
        name: face and face.side
        for name in ("a/enet_b2_8_best.onnx", "mbf_va_mtl.onnx", "x.onnx")
        for face in [onnx_face(name)]
    } == {
        "a/enet_b2_8_best.onnx": 260,
        "mbf_va_mtl.onnx": 112,
        "x.onnx": None,
    }
    assert (onnx_face("enet_b0_8_va_mtl.onnx") or ONNX_FACES[1]).outputs == 10


def test_the_document_holds_every_model_that_is_known() -> None:
    text = (ROOT / "docs" / "models" / "hub.md").read_text(encoding="utf-8")
    assert all(f"| `{m.model_id}` | {m.modality} | {m.licence} | " in text for m in MODELS)
    assert all(part in text for m in MODELS for part in (m.obstacle, m.note))
