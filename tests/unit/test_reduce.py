"""What one modality brings to a window, and the face that is followed through it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Abstention, Face, Probabilities, Reason
from workers.fusion.faces import follow, iou
from workers.fusion.reduce import MISSING, Held, summarise

HAPPY = tuple(np.eye(7)[1].tolist())
SAD = tuple(np.eye(7)[2].tolist())
ENVELOPE = {"session_id": "s", "party": "customer", "start_ms": 0, "end_ms": 0, "settled_ms": 0}


def said(seq, p=HAPPY, quality=1.0, overlap_ms=1, model="m", faces=(), modality="video"):
    envelope = {**ENVELOPE, "modality": modality, "expects": (modality,), "seq": seq}
    item = Probabilities(**envelope, p=p, quality=quality, model_id=model, faces=faces)
    return Held(item, overlap_ms)


def mute(seq, reason):
    envelope = {**ENVELOPE, "modality": "video", "expects": ("video",), "seq": seq}
    return Held(Abstention(**envelope, reason=reason), 1)


def face(left, top, side, p=HAPPY, quality=0.5):
    return Face(box=(left, top, side, side), score=0.9, quality=quality, p=p)


def frame(seq, *faces):
    return said(seq, p=faces[0].p, faces=faces)


def test_nothing_is_missing():
    assert summarise([]) == MISSING


def test_the_mean_is_weighted_by_overlap_and_quality():
    summary = summarise([said(0, HAPPY, 0.5, 600), said(1, SAD, 1.0, 100)])
    assert summary.p == pytest.approx((300 * np.array(HAPPY) + 100 * np.array(SAD)) / 400)
    assert summary.quality == pytest.approx((600 * 0.5 + 100 * 1.0) / 700)
    assert (summary.state, summary.count) == ("present", 2)


def test_where_no_observation_has_quality_overlap_alone_weighs():
    summary = summarise([said(0, HAPPY, 0.0, 300), said(1, SAD, 0.0, 100)])
    assert summary.p == pytest.approx(0.75 * np.array(HAPPY) + 0.25 * np.array(SAD))
    assert summary.quality == 0.0


def test_abstentions_beside_probabilities_do_not_count():
    summary = summarise([said(0), mute(1, Reason.NO_FACE), mute(2, Reason.NO_FACE)])
    assert (summary.state, summary.count, summary.reason) == ("present", 1, None)


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
    followed = follow([held.item for held in frames])
    assert [f and f.p for f in followed] == [None, SAD, SAD]
    summary = summarise(frames)
    assert summary.p == pytest.approx(np.array(SAD))
    assert (summary.count, summary.quality) == (2, 0.5)


# the head moves by a third of its width per frame: each frame overlaps the next one, not the first
def test_a_face_that_moves_is_followed_from_box_to_box():
    frames = [frame(i, face(0.1 + 0.07 * i, 0.3, 0.2)) for i in range(6)]
    assert None not in follow([held.item for held in frames])


def test_of_equal_faces_the_first_is_followed():
    frames = [frame(0, face(0.1, 0.1, 0.2, HAPPY), face(0.6, 0.1, 0.2, SAD))]
    assert follow([held.item for held in frames])[0].p == HAPPY


def test_frames_that_list_no_faces_speak_for_themselves():
    assert summarise([said(0, SAD)]).p == pytest.approx(np.array(SAD))
    assert follow([said(0).item]) == [None]
