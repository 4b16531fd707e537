"""What one modality brings to a window, and the face that is followed through it."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.observations import HAPPY, SAD, abstained, observed

from affectstream.schemas.messages import Face, Reason
from affectstream.schemas.observations import record, vectors
from affectstream.workers.fusion.reduce import follow, iou, reduced_windows
from affectstream.workers.fusion.window import ClosedWindow, Window


def said(seq, p=HAPPY, quality=1.0, overlap_ms=1, model="m", faces=(), modality="video", embedding=None):
    carried = {"model_id": model, "faces": faces, "embedding": packed(embedding)}
    return record(observed(modality, seq, 0, overlap_ms, p=p, quality=quality, **carried))


def summarise(rows):
    """Return what reducing makes of the video of one window, its observations in the order of their start."""
    window = Window(0)
    window.rows[0].extend(rows)
    window.mixed[0] = True
    closed = ClosedWindow(("s", "customer"), 0, window, ("video",), {"video": "open"})
    made = reduced_windows([closed], 1000, embeddings=True)
    return SimpleNamespace(
        p=tuple(made.p[0, 0].tolist()) if made.present[0, 0] else None,
        quality=float(made.quality[0, 0]),
        count=made.counts[0],
        model_id=made.models[0],
        reason=made.reasons[0],
        embedding=made.embeddings[0],
    )


def mute(seq, reason):
    return record(abstained("video", seq, 0, reason=reason))


def packed(embedding):
    return None if embedding is None else np.array(embedding, "<f4").tobytes()


def face(left, top, side, p=HAPPY, quality=0.5, embedding=None):
    box = left, top, side, side
    return Face(box=box, score=0.9, quality=quality, p=p, embedding=packed(embedding))


def frame(seq, *faces, embedding=None):
    return said(seq, p=faces[0].p, faces=faces, embedding=embedding)


def test_nothing_is_missing():
    nothing = summarise([])
    assert (nothing.p, nothing.quality, nothing.count, nothing.reason) == (None, 0.0, 0, None)


def test_the_mean_is_weighted_by_overlap_and_quality():
    summary = summarise([said(0, HAPPY, 0.5, 600), said(1, SAD, 1.0, 100)])
    assert summary.p == pytest.approx((300 * np.array(HAPPY) + 100 * np.array(SAD)) / 400)
    assert summary.quality == pytest.approx((600 * 0.5 + 100 * 1.0) / 700)
    assert summary.count == 2


def test_where_no_observation_has_quality_overlap_alone_weighs():
    summary = summarise([said(0, HAPPY, 0.0, 300), said(1, SAD, 0.0, 100)])
    assert summary.p == pytest.approx(0.75 * np.array(HAPPY) + 0.25 * np.array(SAD))
    assert summary.quality == 0.0


def test_abstentions_beside_probabilities_do_not_count():
    summary = summarise([said(0), mute(1, Reason.NO_FACE), mute(2, Reason.NO_FACE)])
    assert (summary.count, summary.reason) == (1, None)


def test_the_model_of_the_newest_observation_is_named():
    assert summarise([said(0, model="old"), said(1, model="new")]).model_id == "new"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param((0.1, 0.1, 0.2, 0.2), (0.1, 0.1, 0.2, 0.2), 1.0, id="the same"),
        pytest.param((0.1, 0.1, 0.2, 0.2), (0.2, 0.1, 0.2, 0.2), 1 / 3, id="half over"),
        pytest.param((0.1, 0.1, 0.2, 0.2), (0.3, 0.1, 0.2, 0.2), 0.0, id="side by side"),
        pytest.param((0.1, 0.1, 0.0, 0.0), (0.1, 0.1, 0.0, 0.0), 0.0, id="empty"),
    ],
)
def test_intersection_over_union(a, b, expected):
    assert iou(a, b) == pytest.approx(expected)


unit = st.floats(0.01, 1.0)


@given(a=st.tuples(unit, unit, unit, unit), b=st.tuples(unit, unit, unit, unit))
def test_intersection_over_union_is_a_symmetric_share(a, b):
    assert 0.0 <= iou(a, b) <= 1.0 + 1e-9
    assert iou(a, b) == pytest.approx(iou(b, a))


#   frame 0        frame 1        frame 2
# +---------+    +---------+    +---------+
# | AA      |    |  AA   B |    |   AA BB |     B comes near and is larger than A in frame 2 only,
# | AA      |    |  AA   B |    |   AA BB |     where it is the largest of the window
# +---------+    +---------+    +---------+
def test_the_largest_face_of_the_window_is_followed_backwards():
    frames = [
        frame(0, face(0.1, 0.1, 0.20, HAPPY)),
        frame(1, face(0.15, 0.1, 0.20, HAPPY), face(0.7, 0.1, 0.15, SAD)),
        frame(2, face(0.68, 0.1, 0.22, SAD), face(0.2, 0.1, 0.20, HAPPY)),
    ]
    followed = follow(frames)
    assert [f and vectors([f.p])[0].tolist() for f in followed] == [None, list(SAD), list(SAD)]
    summary = summarise(frames)
    assert summary.p == pytest.approx(np.array(SAD))
    assert (summary.count, summary.quality) == (2, 0.5)


# the head moves by a third of its width per frame: each frame overlaps the next one, not the first
def test_a_face_that_moves_is_followed_from_box_to_box():
    frames = [frame(i, face(0.1 + 0.07 * i, 0.3, 0.2)) for i in range(6)]
    assert None not in follow(frames)


def test_of_equal_faces_the_first_is_followed():
    frames = [frame(0, face(0.1, 0.1, 0.2, HAPPY), face(0.6, 0.1, 0.2, SAD))]
    assert vectors([follow(frames)[0].p])[0].tolist() == list(HAPPY)


def test_frames_that_list_no_faces_speak_for_themselves():
    assert summarise([said(0, SAD)]).p == pytest.approx(np.array(SAD))
    assert follow([said(0)]) == [None]


def test_embeddings_are_averaged_by_overlap_and_quality_in_float64():
    held = [said(0, embedding=[1, 0], quality=0.5, overlap_ms=600), said(1, embedding=[0, 1], overlap_ms=100)]
    mean = summarise(held).embedding
    assert mean.dtype == np.float64
    assert mean == pytest.approx(np.array([[0.75, 0.25]]))
    without_quality = [said(i, embedding=e, quality=0.0) for i, e in enumerate(([1, 0], [0, 1]))]
    assert summarise(without_quality).embedding == pytest.approx(np.array([[0.5, 0.5]]))


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        pytest.param([said(0), said(1)], None, id="nobody carries one"),
        pytest.param([said(0, embedding=[1]), said(1)], [[1]], id="one does"),
        pytest.param(
            [said(0, embedding=[1, 2], model="old"), said(1, embedding=[3])], [[3]], id="a new model"
        ),
        pytest.param([said(0, embedding=[1, 2]), said(1, embedding=[3])], [[3]], id="another size"),
        pytest.param([said(0, embedding=[np.nan]), said(1, embedding=[3])], [[3]], id="no number"),
        pytest.param([said(0, embedding=[np.inf])], None, id="nothing sound"),
    ],
)
def test_embeddings_of_the_last_ones_model_and_size_count(held, expected):
    mean = summarise(held).embedding
    assert (None if mean is None else mean.tolist()) == expected


def test_bytes_that_are_no_floats_are_no_embedding():
    odd = said(0)
    odd.embedding = b"abc"
    assert summarise([odd]).embedding is None
    assert summarise([odd]).p == HAPPY


# the frame's embedding is of its largest face; the followed one is the smaller in frame 1
def test_the_embedding_is_the_followed_faces():
    left, right = (0.1, 0.1, 0.3), (0.6, 0.1, 0.2)
    frames = [
        frame(0, face(*left), embedding=[1.0]),
        frame(1, face(0.6, 0.1, 0.25), face(0.1, 0.1, 0.24), embedding=[5.0]),
    ]
    assert summarise(frames).embedding.tolist() == [[1.0]]
    own = [frame(0, face(*left, embedding=[2.0]), face(*right, embedding=[7.0]), embedding=[2.0])]
    assert summarise(own).embedding.tolist() == [[2.0]]
    smaller = [frames[0], frame(1, face(0.6, 0.1, 0.25), face(0.1, 0.1, 0.24, embedding=[3.0]))]
    assert summarise(smaller).embedding.tolist() == [[2.0]]


floats = st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3)


@given(embeddings=st.lists(floats, min_size=1, max_size=6), data=st.data())
def test_a_mean_embedding_lies_between_its_members(embeddings, data):
    qualities = data.draw(st.lists(st.floats(0, 1), min_size=len(embeddings), max_size=len(embeddings)))
    held = [
        said(i, embedding=e, quality=q) for i, (e, q) in enumerate(zip(embeddings, qualities, strict=True))
    ]
    mean = summarise(held).embedding
    rows = np.array(embeddings, dtype=np.float64)
    assert (mean >= rows.min(axis=0) - 1e-6).all()
    assert (mean <= rows.max(axis=0) + 1e-6).all()
