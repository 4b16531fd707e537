"""Fused messages to MessagePack by templates: messages of one shape differ in their numbers alone.

A template is a message that the codec has packed with a mark in the place of each number. The bytes are those
that the codec gives for every message by itself.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from msgspec import msgpack
from numpy.typing import NDArray

from affectstream.models.fusion.evidence import Array
from affectstream.schemas import messages
from affectstream.schemas.codec import VERSIONS, EncodedPane, encode
from affectstream.schemas.labels import EMOTIONS, N_EMOTIONS
from affectstream.schemas.messages import (
    MODALITIES,
    PARTIES,
    UNATTRIBUTED,
    Modality,
    ModalityState,
    Pane,
    Party,
    State,
    Stream,
)
from affectstream.schemas.observations import Reason
from affectstream.workers.fusion.reduce import N_MODALITIES, Reduced
from affectstream.workers.fusion.window import ClosedWindow

# The numbers of a message in their order on the wire: its distribution, its scalars, those of each modality.
CONFIDENCE, UNCERTAINTY, DISAGREEMENT, FIRST = range(N_EMOTIONS, N_EMOTIONS + 4)
OWN = N_EMOTIONS + 3  # of a modality: its distribution, weight, quality and trust
N_NUMBERS = FIRST + N_MODALITIES * OWN

TEMPLATES = 4096  # that are kept; a call takes a few
(MARK,) = struct.unpack(">d", b"\xff" * 8)  # not a number: no text and no integer of a message has its bytes
MARKED = b"\xcb" + b"\xff" * 8


class Shape(NamedTuple):
    """What a message holds beside its numbers, and beside whose it is and of which window."""

    label: int  # -1 where no modality is present
    rule: str
    expects: tuple[Modality, ...]
    counts: tuple[int, ...]  # by modality, as the next two
    models: tuple[str | None, ...]
    reasons: tuple[Reason | None, ...]
    streams: tuple[tuple[Modality, Stream], ...]

    def missing(self) -> list[Modality]:
        """Return the expected modalities of which there is nothing."""
        places = ((m, MODALITIES.index(m)) for m in self.expects)
        return [m for m, place in places if not self.counts[place] and self.reasons[place] is None]


Shapes = Mapping[Shape, Sequence[int]]  # with the windows that have it


@dataclass(frozen=True, eq=False)
class Template:
    """The messages of one shape, after their heads."""

    packed: NDArray[np.uint8]  # (bytes,)
    places: NDArray[np.intp]  # (8 x numbers,) where the bytes of the numbers are
    columns: NDArray[np.intp]  # (numbers,) which of N_NUMBERS they are

    def filled(self, numbers: Array) -> Iterator[bytes]:
        """Yield the messages of ``numbers`` (messages, N_NUMBERS)."""
        size = len(self.packed)
        rows = np.empty((len(numbers), size), np.uint8)
        rows[:] = self.packed
        rows[:, self.places] = numbers.take(self.columns, axis=1).astype(">f8").view(np.uint8)
        packed = rows.tobytes()
        return (packed[at : at + size] for at in range(0, len(packed), size))


def shapes(
    windows: Sequence[ClosedWindow], reduced: Reduced, labels: Sequence[int], rules: Sequence[str]
) -> Shapes:
    """Return the shapes of the messages of ``windows``."""
    counts, models, reasons = tuple(reduced.counts), tuple(reduced.models), tuple(reduced.reasons)
    found: defaultdict[Shape, list[int]] = defaultdict(list)
    for w, (window, label, rule) in enumerate(zip(windows, labels, rules, strict=True)):
        own = slice(N_MODALITIES * w, N_MODALITIES * (w + 1))
        streams = tuple(window.streams.items())
        found[Shape(label, rule, window.expects, counts[own], models[own], reasons[own], streams)].append(w)
    return found


def encoded(
    windows: Sequence[ClosedWindow], of_shape: Shapes, numbers: Array, window_ms: int, pane: Pane
) -> list[EncodedPane]:
    """Return the messages of ``windows``, in their order; ``numbers`` are (windows, N_NUMBERS)."""
    bodies = [b""] * len(windows)
    for shape, rows in of_shape.items():
        for w, body in zip(rows, template(shape).filled(numbers[rows]), strict=True):
            bodies[w] = body
    times = {at: _times(at, at + window_ms, pane) for at in {window.start_ms for window in windows}}
    panes = []
    for (key, start_ms, *_, run), body in zip(windows, bodies, strict=True):
        packed = _of_party(*key) + times[start_ms] + body
        panes.append(EncodedPane(*key, start_ms, start_ms + window_ms, pane, packed, run))
    return panes


@lru_cache(TEMPLATES)
def template(shape: Shape) -> Template:
    """Return the template of the messages of ``shape``."""
    head = _of_party("sid", "other") + _times(0, 1, "final")
    packed = encode(_message(shape))
    if not packed.startswith(head):
        raise AssertionError("the fields at the head of a fused message are not those of its schema")
    body = packed[len(head) :]
    starts = [at for at in range(len(body)) if body.startswith(MARKED, at)]
    places = [at + k for at in starts for k in range(1, 9)]
    return Template(np.frombuffer(body, np.uint8), np.array(places), np.array(_columns(shape)))


def _columns(shape: Shape) -> list[int]:
    """Return which of N_NUMBERS are in a message, in their order."""
    columns = list(range(N_EMOTIONS)) if shape.label >= 0 else []
    columns += CONFIDENCE, UNCERTAINTY, DISAGREEMENT
    for modality in shape.expects:
        m = MODALITIES.index(modality)
        columns += range(FIRST + m * OWN, FIRST + (m + 1) * OWN) if shape.counts[m] else ()
    return columns


def _message(shape: Shape) -> messages.FusedEmotion:
    """Return a message with marks for numbers, which no validation would let pass."""
    return messages.FusedEmotion.model_construct(
        session_id="sid",
        party="other",
        start_ms=0,
        end_ms=1,
        pane="final",
        p=(MARK,) * N_EMOTIONS if shape.label >= 0 else None,
        label=EMOTIONS[shape.label] if shape.label >= 0 else None,
        confidence=MARK,
        uncertainty=MARK,
        disagreement=MARK,
        modalities=tuple(_state(shape, modality) for modality in shape.expects),
        rule=shape.rule,
    )


def _state(shape: Shape, modality: Modality) -> ModalityState:
    m, stream = MODALITIES.index(modality), dict(shape.streams)[modality]
    if not shape.counts[m]:
        name = shape.reasons[m]
        reason = None if name is None else messages.Reason(name)
        state: State = "missing" if reason is None else "abstained"
        return ModalityState(modality=modality, state=state, reason=reason, stream=stream)
    return ModalityState.model_construct(
        modality=modality,
        state="present",
        p=(MARK,) * N_EMOTIONS,
        weight=MARK,
        quality=MARK,
        count=shape.counts[m],
        model_id=shape.models[m],
        trust=MARK,
        stream=stream,
    )


_pack = msgpack.Encoder().encode


def _fields(**values: Any) -> bytes:
    return b"".join(_pack(part) for field in values.items() for part in field)


_MARK = {party: {"attributable": False} if party == UNATTRIBUTED else {} for party in PARTIES}
_HEAD = {
    party: bytes([0x80 + 1 + len(messages.FusedEmotion.model_fields) + len(mark)])
    + _fields(v=VERSIONS["fused"], type="fused")
    + _pack("sid")
    for party, mark in _MARK.items()
}
_PARTY = {party: _fields(party=party, **mark) for party, mark in _MARK.items()}


def _of_party(session_id: str, party: Party) -> bytes:
    """Return the beginning of a message."""
    return _HEAD[party] + _pack(session_id) + _PARTY[party]


def _times(start_ms: int, end_ms: int, pane: Pane) -> bytes:
    """Return what follows it."""
    return _fields(start=start_ms, end=end_ms, pane=pane)
