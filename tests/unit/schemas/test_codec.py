"""What travels: round trips, golden bytes of every message type, and refusals that never repeat content."""

import contextlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.messages import EXAMPLES, FRAME, P
from support.paths import ROOT

from affectstream.schemas.alert import Alert
from affectstream.schemas.codec import TYPES, Message, decode, decoder, encode
from affectstream.schemas.errors import Malformed, MessageError, TooLarge, WrongVersion
from affectstream.schemas.messages import (
    EndOfStream,
    FusedEmotion,
    Transcript,
    VideoFrame,
)

GOLDEN = ROOT / "tests" / "golden"
BIG = 1 << 20


def test_every_type_on_the_wire_has_an_example() -> None:
    assert set(EXAMPLES) == set(TYPES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_round_trip(name: str) -> None:
    assert decode(encode(EXAMPLES[name]), BIG) == EXAMPLES[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_bytes(name: str) -> None:
    """Bytes that an earlier version wrote still decode, and today's are the same."""
    stored = bytes.fromhex((GOLDEN / f"{name}.hex").read_text())
    assert encode(EXAMPLES[name]) == stored
    assert decode(stored, BIG) == EXAMPLES[name]


@pytest.mark.parametrize("name", ["frame", "chunk", "transcript", "eos", "observations"])
def test_a_message_without_a_run_still_decodes(name: str) -> None:
    """Messages of earlier producers and workers belong to the unnamed run."""
    stored = bytes.fromhex((GOLDEN / f"{name}-without-run.hex").read_text())
    assert decode(stored, BIG) == EXAMPLES[name]


@pytest.mark.parametrize("name", ["fused-v1", "fused-v1-without-trust"])
def test_a_fused_window_of_version_1_still_decodes(name: str) -> None:
    """Version 1 had a displayed label, running agreement, and evidence carried forward as state `held`."""
    old = decode(bytes.fromhex((GOLDEN / f"{name}.hex").read_text()), BIG)
    assert isinstance(old, FusedEmotion)
    assert (old.label, old.p) == ("neutral", P)
    assert {m.stream for m in old.modalities} == {"open"}
    assert [m.state for m in old.modalities if m.p] == ["present"] * sum(
        m.p is not None for m in old.modalities
    )


def test_an_alert_from_before_its_evidence_still_decodes() -> None:
    old = decode(bytes.fromhex((GOLDEN / "alert-without-evidence.hex").read_text()), BIG)
    assert isinstance(old, Alert)
    assert (old.baseline, old.windows, old.levels) == (None, 0, ())
    assert old == EXAMPLES["alert"].model_copy(update={"baseline": None, "windows": 0, "levels": ()})


def repacked(message: Message, **changes: object) -> bytes:
    return msgpack.packb(msgpack.unpackb(encode(message)) | changes)


def test_unknown_fields_are_ignored() -> None:
    assert decode(repacked(FRAME, added_later=1), BIG) == FRAME


def test_size_is_checked_before_decoding() -> None:
    with pytest.raises(TooLarge, match="9 bytes where at most 8"):
        decode(b"\xc1" * 9, 8)


@pytest.mark.parametrize(("name", "version"), [("frame", 0), ("frame", 2), ("frame", 99), ("fused", 3)])
def test_another_major_version_is_refused(name: str, version: int) -> None:
    with pytest.raises(WrongVersion):
        decode(repacked(EXAMPLES[name], v=version), BIG)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"v": None}, "version", id="no version"),
        pytest.param({"v": True}, "version", id="a boolean is no version"),
        pytest.param({"type": "film"}, "type", id="unknown type"),
        pytest.param({"type": 4}, "type", id="type is no text"),
        pytest.param({"sid": "../etc"}, "sid", id="session id that could be a path"),
        pytest.param({"sid": "a b\n"}, "sid", id="session id that could forge a log line"),
        pytest.param({"party": "manager"}, "party", id="unknown party"),
        pytest.param({"seq": -1}, "seq", id="negative sequence"),
        pytest.param({"seq": "3"}, "seq", id="text where a number belongs"),
        pytest.param({"start": 1.5}, "start", id="fraction of a millisecond"),
        pytest.param({"end": 1}, "end before start", id="ends before it starts"),
        pytest.param({"settled": 1}, "settled", id="settles before it starts"),
        pytest.param({"expects": []}, "expects", id="expects nothing"),
        pytest.param({"expects": ["audio"]}, "does not expect", id="does not expect itself"),
        pytest.param({"mod": "audio"}, "mod", id="modality of another type"),
        pytest.param({"jpeg": "text"}, "jpeg", id="text where bytes belong"),
    ],
)
def test_malformed_fields_are_named(changes: dict[str, object], fault: str) -> None:
    with pytest.raises(Malformed, match=fault):
        decode(repacked(FRAME, **changes), BIG)


@pytest.mark.parametrize("p", [(1.0,), (0.5,) * 7, (2.0, -1.0, 0, 0, 0, 0, 0), (float("nan"),) * 7])
def test_probabilities_must_be_a_distribution(p: tuple[float, ...]) -> None:
    item = msgpack.unpackb(encode(EXAMPLES["observations"]))["items"][0]
    with pytest.raises(Malformed, match=r"items\.0"):
        decode(msgpack.packb({"v": 1, "type": "observations", "items": [item | {"p": p}]}), BIG)


def test_a_refusal_never_repeats_content() -> None:
    secret = "my card number is 4111"
    with pytest.raises(Malformed) as caught:
        decode(repacked(EXAMPLES["transcript"], text=[secret], party=secret), BIG)
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_topic_takes_only_its_own_types() -> None:
    with pytest.raises(Malformed, match="does not belong"):
        decoder(BIG, VideoFrame, EndOfStream)(encode(EXAMPLES["chunk"]))


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_or_a_message_error(data: bytes) -> None:
    with contextlib.suppress(MessageError):
        decode(data, BIG)


@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_any_truncation_is_refused(name: str, data: st.DataObject) -> None:
    whole = encode(EXAMPLES[name])
    with pytest.raises(MessageError):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))], BIG)


@given(
    text=st.text(max_size=50),
    seq=st.integers(0, 2**40),
    start=st.integers(0, 2**45),
    length=st.integers(0, 10_000),
)
def test_round_trip_of_any_transcript(text: str, seq: int, start: int, length: int) -> None:
    message = Transcript(
        session_id="s",
        party="other",
        seq=seq,
        start_ms=start,
        end_ms=start + length,
        watermark_ms=start + length,
        expects=("text",),
        text=text,
    )
    assert decode(encode(message), BIG) == message
