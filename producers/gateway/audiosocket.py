"""Asterisk AudioSocket: TCP with a header of three bytes (kind, length), one party per connection.

Its sound has no time stamps and TCP loses none of it, so its samples are its clock.
Source: https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket/
"""

import uuid
from collections.abc import Sequence

from affectstream.producers.gateway.call_plan import PARTY_UNKNOWN, Whose
from affectstream.producers.gateway.events import (
    ANY,
    Audio,
    Ended,
    Event,
    Heard,
    Refused,
    Reply,
    Started,
    StreamProtocol,
)

HANG_UP, UUID, DTMF, ERROR = 0x00, 0x01, 0x03, 0xFF
RATES_HZ = {
    0x10: 8_000,
    0x11: 12_000,
    0x12: 16_000,
    0x13: 24_000,
    0x14: 32_000,
    0x15: 44_100,
    0x16: 48_000,
}
TOO_FAST = (0x17, 0x18)  # 96 and 192 kHz
HEADER = 3
REFUSAL = bytes((ERROR, 0, 1, 0x01))  # the codes are the application's own
WHOSE = bytes((ERROR, 0, 1, 0x02))  # nobody has said whose sound it is


def frame(kind: int, payload: bytes = b"") -> bytes:
    """Return one message."""
    return bytes((kind,)) + len(payload).to_bytes(2, "big") + payload


class AudioSocket(StreamProtocol):
    """One connection; it carries ``party``, or is refused."""

    def __init__(self, party: Whose) -> None:
        self._party = party
        self._buffer = bytearray()  # of at most one message and what came with its end
        self._started = False
        self._rate_hz = 0
        self._samples = self._frames = 0
        self._over = False
        self._shift_ms = 0  # of a connection that goes on with a call

    def admitted(self, session_id: str, heard: Heard | None = None) -> Sequence[Event]:
        """Place a connection that goes on with a call where the call is now."""
        if heard is not None:
            self._shift_ms = max(heard.head_ms, heard.now_ms)
        return []

    def receive(self, data: str | bytes) -> Sequence[Event]:
        """Return the events of the messages that ``data`` completes."""
        self._buffer += data.encode() if isinstance(data, str) else data
        events: list[Event] = []
        at = 0
        while not self._over and len(self._buffer) - at >= HEADER:
            length = int.from_bytes(self._buffer[at + 1 : at + HEADER], "big")
            end = at + HEADER + length
            if len(self._buffer) < end:
                break
            events += self._message(self._buffer[at], bytes(self._buffer[at + HEADER : end]))
            at = end
        del self._buffer[:at]
        return events

    def refused(self, reason: str) -> Sequence[Event]:
        """Return an error message."""
        return [Reply(WHOSE if reason == PARTY_UNKNOWN else REFUSAL)]

    def _message(self, kind: int, payload: bytes) -> Sequence[Event]:
        if kind == HANG_UP:
            self._over = True
            return [Ended("hang_up")]
        if kind == ERROR:
            self._over = True
            return [Ended("error")]
        if kind == UUID:
            return [self._start(payload)]
        if not self._started:
            return [self._refuse("sound_before_uuid")]
        if kind in RATES_HZ:
            return self._sound(RATES_HZ[kind], payload)
        return [self._refuse("rate")] if kind in TOO_FAST else []  # DTMF, and what is added later

    def _start(self, payload: bytes) -> Event:
        if self._started or len(payload) != 16:
            return self._refuse("bad_uuid")
        if isinstance(self._party, Refused):
            return self._refuse(self._party.reason)
        self._started = True
        return Started(str(uuid.UUID(bytes=payload)), (self._party,), None, continues=ANY)

    def _sound(self, rate_hz: int, pcm: bytes) -> Sequence[Event]:
        if len(pcm) % 2:
            return [self._refuse("half_a_sample")]
        if self._rate_hz not in (0, rate_hz):
            return [self._refuse("rate_changed")]
        if not pcm or isinstance(self._party, Refused):
            return []
        self._rate_hz = rate_hz
        at_ms = self._samples * 1000 // rate_hz + self._shift_ms
        self._samples += len(pcm) // 2
        self._frames += 1
        return [Audio(self._party, rate_hz, pcm, at_ms, self._frames)]

    def _refuse(self, reason: str) -> Event:
        self._over = True
        return Refused(reason)
