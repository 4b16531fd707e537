"""A fused window as the fields of a Redis entry."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectstream.runtime import rows
from affectstream.schemas.errors import Malformed
from affectstream.schemas.labels import EMOTIONS
from affectstream.schemas.messages import FusedEmotion, ModalityState

P = (0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1)


def fused(p: tuple[float, ...] | None = P, confidence: float = 0.3) -> FusedEmotion:
    state = ModalityState(modality="video", state="abstained", reason="no_face")
    return FusedEmotion(
        session_id="s1",
        party="customer",
        start_ms=1000,
        end_ms=2000,
        pane="final",
        p=p,
        label="sad" if p else None,
        confidence=confidence,
        uncertainty=0.9,
        disagreement=0.0,
        modalities=(state,),
        rule="entropy_trust",
    )


def test_every_entry_has_the_same_fields_and_only_text():
    """Grafana fills an absent field with 0, and takes a field's type from its first value."""
    full, empty = rows.fields(fused()), rows.fields(fused(None))
    assert (
        list(full)
        == list(empty)
        == [*EMOTIONS, "label", "shown", "confidence", "uncertainty", "disagreement", "conflict", "detail"]
    )
    assert all(isinstance(value, str) for value in (*full.values(), *empty.values()))
    assert (full["sad"], full["label"], full["shown"], full["conflict"]) == ("0.3", "sad", "", "")
    assert (empty["sad"], empty["label"]) == ("", "")


def test_an_entry_holds_the_label_to_show_and_the_conflict_in_words():
    def said(label):
        return tuple(0.7 if name == label else 0.05 for name in EMOTIONS)

    voice = ModalityState(modality="audio", state="present", p=said("angry"))
    words = ModalityState(modality="text", state="held", p=said("neutral"), age_ms=1000)
    update = {"modalities": (voice, words), "disagreement": 0.5, "shown": "sad", "steady": "sad"}
    entry = rows.fields(fused().model_copy(update=update))
    assert (entry["shown"], entry["conflict"]) == ("sad", "words neutral, voice angry")


def test_the_detail_is_canonical_json_under_the_names_of_the_wire():
    detail = json.loads(rows.fields(fused())["detail"])
    assert list(detail) == sorted(detail)
    assert {"sid", "start", "end", "mods"} <= set(detail)
    assert detail["mods"][0]["reason"] == "no_face"


@given(st.floats(0, 1), st.lists(st.floats(0.001, 1), min_size=7, max_size=7))
def test_floats_come_back_to_the_last_bit(confidence, weights):
    total = sum(weights)
    pane = fused(tuple(weight / total for weight in weights), confidence)
    assert rows.pane(rows.fields(pane)) == pane
    assert rows.pane(rows.latest_fields(pane)) == pane
    assert rows.fields(rows.pane(rows.fields(pane))) == rows.fields(pane)


@pytest.mark.parametrize("entry", [{}, {"detail": "{"}, {"detail": '{"sid": "s1"}'}])
def test_a_foreign_entry_is_said_to_be_one(entry):
    with pytest.raises(Malformed, match="not a fused window"):
        rows.pane(entry)
