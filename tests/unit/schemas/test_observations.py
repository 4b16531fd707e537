"""Typed records: the fast pass and the codec accept and refuse the same values."""

from typing import get_args

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectstream.schemas import messages
from affectstream.schemas.codec import decoder, encode
from affectstream.schemas.errors import Malformed, MessageError, TooLarge, WrongVersion
from affectstream.schemas.observations import Reason, packed, read, vectors
from affectstream.schemas.topics import PROBABILITIES

judge = decoder(PROBABILITIES.max_bytes, messages.Observations)
P = (0.5, 0.25, 0.125, 0.125, 0.0, 0.0, 0.0)
ENVELOPE = {
    "session_id": "call-7",
    "party": "customer",
    "modality": "video",
    "seq": 3,
    "start_ms": 1000,
    "end_ms": 1000,
    "watermark_ms": 1001,
    "expects": ("video", "text"),
}
FACE = messages.Face(box=(0.25, 0.25, 0.5, 0.5), score=1.0, quality=0.75, p=P)
ITEMS = (
    messages.Probabilities(
        **ENVELOPE, p=P, quality=0.75, model_id="m", faces=(FACE,), embedding=b"\0\0\x80?"
    ),
    messages.Abstention(**ENVELOPE, reason=messages.Reason.NO_FACE),
    messages.EndOfStream(**ENVELOPE),
)
VALUE = encode(messages.Observations(items=ITEMS))


def altered(**changes):
    """Return a record of one observation of which some fields are others; None leaves a field out."""
    item = msgpack.unpackb(encode(messages.Observations(items=ITEMS[:1])))["items"][0] | changes
    item = {name: value for name, value in item.items() if value is not ...}
    return msgpack.packb({"v": 1, "type": "observations", "items": [item]})


def test_what_is_read_is_what_was_written():
    (items,) = read([VALUE])
    for item, message in zip(items, ITEMS, strict=True):
        assert {name: getattr(item, name) for name in ENVELOPE} == ENVELOPE
        assert judge(packed(item)).items == (message,)
    assert vectors([items[0].p, items[0].faces[0].p]).tolist() == [list(P), list(P)]
    assert items[0].embedding == b"\0\0\x80?"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        pytest.param(None, Malformed, id="no value"),
        pytest.param(b"\xc1 garbage", Malformed, id="garbage"),
        pytest.param(VALUE[:-3], Malformed, id="truncated"),
        pytest.param(b"\0" * (PROBABILITIES.max_bytes + 1), TooLarge, id="oversized"),
        pytest.param(VALUE.replace(b"\xa1v\x01", b"\xa1v\x07"), WrongVersion, id="another version"),
        pytest.param(encode(ITEMS[2]), Malformed, id="another type"),
        pytest.param(altered(end=999), Malformed, id="ends before it starts"),
        pytest.param(altered(settled=999), Malformed, id="settles before it starts"),
        pytest.param(altered(expects=["text"]), Malformed, id="does not expect itself"),
        pytest.param(altered(expects=[]), Malformed, id="expects nothing"),
        pytest.param(altered(sid="../etc"), Malformed, id="a session id that could be a path"),
        pytest.param(altered(sid="a\n"), Malformed, id="a session id that could forge a log line"),
        pytest.param(altered(run="face/1"), Malformed, id="a run that could be a path"),
        pytest.param(altered(p=[0.5] * 7), Malformed, id="no distribution"),
        pytest.param(altered(p=[1.0]), Malformed, id="too few probabilities"),
        pytest.param(altered(p=[2.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]), Malformed, id="a negative one"),
        pytest.param(altered(p=[float("nan")] * 7), Malformed, id="not a number"),
        pytest.param(altered(quality=1.5), Malformed, id="quality above one"),
        pytest.param(altered(start=1.5), Malformed, id="a fraction of a millisecond"),
        pytest.param(altered(mod=...), Malformed, id="no modality"),
    ],
)
def test_what_is_refused_spares_the_records_beside_it(value, error):
    before, refused, after = read([VALUE, value, VALUE])
    assert isinstance(refused, error)
    assert before == after != ()
    with pytest.raises(error) as caught:
        judge(value or b"")
    assert str(refused) == str(caught.value)


@pytest.mark.parametrize(
    "p", [[1, 0, 0, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0, 0, 0]], ids=["whole numbers", "some whole numbers"]
)
def test_distributions_in_another_encoding_are_read_all_the_same(p):
    (items,) = read([altered(p=p)])
    assert vectors([items[0].p]).tolist() == [[float(x) for x in p]]


def test_unknown_fields_are_ignored():
    (items,) = read([altered(added_later=1)])
    assert judge(packed(items[0])).items == ITEMS[:1]


@given(st.data())
@settings(max_examples=300)
def test_altered_bytes_are_judged_as_the_codec_judges_them(data):
    value = bytearray(VALUE)
    for _ in range(data.draw(st.integers(1, 3))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    (found,) = read([bytes(value)])
    try:
        expected = judge(bytes(value))
    except MessageError as error:
        assert (type(found), str(found)) == (type(error), str(error))
    else:
        assert tuple(judge(packed(item)).items[0] for item in found) == expected.items


def test_typed_records_know_the_reasons_of_messages_in_their_order():
    assert get_args(Reason) == tuple(messages.Reason)
