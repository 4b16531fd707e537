"""What the entries in Redis hold, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.observations import ended, final

from affectstream.runtime import rows
from affectstream.schemas.codec import encode
from affectstream.schemas.errors import Malformed
from affectstream.schemas.messages import FusedEmotion, ModalityState

P = (0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1)
END = ended("text", 0, 0)


def fused(p: tuple[float, ...] | None = P, confidence: float = 0.3) -> FusedEmotion:
    state = ModalityState(modality="video", state="abstained", reason="no_face")
    return final(2000, p, label="sad" if p else None, confidence=confidence, modalities=(state,))


@given(st.floats(0, 1), st.lists(st.floats(0.001, 1), min_size=7, max_size=7))
def test_floats_come_back_to_the_last_bit_from_messagepack_and_from_json(confidence, weights):
    total = sum(weights)
    pane = fused(tuple(weight / total for weight in weights), confidence)
    as_json = json.dumps(pane.model_dump(mode="json", by_alias=True)).encode()
    assert rows.parsed(rows.detail([b"detail", encode(pane)])) == pane
    assert rows.parsed(rows.detail([b"sad", b"0.3", b"detail", as_json])) == pane


@pytest.mark.parametrize(
    "fields",
    [[], *([b"detail", data] for data in (b"{", b'{"sid": "s1"}', b"\x81", encode(END)))],
)
def test_a_foreign_entry_is_said_to_be_one(fields):
    with pytest.raises(Malformed, match="not a fused window"):
        rows.parsed(rows.detail(fields))
