"""A plain WebSocket for sound and pictures, for programs of one's own; documented in docs/call-centre.md.

Text messages are JSON and steer; a binary message is one frame: a byte with the number of its track, eight
bytes with its time in ms since the beginning of the stream (unsigned, big-endian), and the sound or the JPEG.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from affectstream.producers.gateway.events import (
    Audio,
    Dropped,
    Ended,
    Event,
    Heard,
    Paused,
    Picture,
    Refused,
    Reply,
    Resumed,
    Started,
    StreamProtocol,
)
from affectstream.producers.gateway.sound import NAMES, Decode
from affectstream.producers.gateway.twilio import HIGHEST_HZ, LONGEST_TEXT, LOWEST_HZ, number
from affectstream.schemas.messages import PARTIES, Party

HEADER = 9
MOST_TRACKS = 2 * len(PARTIES)
JPEG = "jpeg"
LATEST_MS = 1 << 40


@dataclass(frozen=True)
class Track:
    """What the frames of one number are."""

    party: Party
    decode: Decode | None  # None: pictures
    rate_hz: int = 0


class Plain(StreamProtocol):
    """One stream of a call."""

    def __init__(self) -> None:
        self._tracks: tuple[Track, ...] = ()

    def receive(self, data: str | bytes) -> Sequence[Event]:
        """Return the events of one message."""
        return [self._frame(data)] if isinstance(data, bytes) else self._steered(data)

    def admitted(self, session_id: str, heard: Heard | None = None) -> Sequence[Event]:
        """Return the answer to a start: the session's id."""
        return [Reply(json.dumps({"type": "started", "session": session_id}))]

    def refused(self, reason: str) -> Sequence[Event]:
        """Return why the connection is closed."""
        return [Reply(json.dumps({"type": "refused", "reason": reason}))]

    def _steered(self, text: str) -> Sequence[Event]:
        if len(text) > LONGEST_TEXT:
            return [Refused("message_too_long")]
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return [Refused("not_json")]
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "start":
            return [self._start(message)]
        if not self._tracks:
            return [Refused("no_start")]
        steps: Mapping[object, Sequence[Event]] = {
            "pause": [Paused()],
            "resume": [Resumed()],
            "stop": [Reply(json.dumps({"type": "ended"})), Ended("stop")],
        }
        return steps.get(kind if isinstance(kind, str) else None, [Refused("unknown_type")])

    def _start(self, message: Mapping[str, Any]) -> Event:
        if self._tracks:
            return Refused("second_start")
        call_id, token, named = message.get("call_id"), message.get("token", ""), message.get("tracks")
        if not isinstance(call_id, str) or not call_id:
            return Refused("no_call_id")
        tracks = [_track(each) for each in named[: MOST_TRACKS + 1]] if isinstance(named, list) else []
        found = [track for track in tracks if track]
        kinds = {(track.party, track.decode is None) for track in found}
        if not found or len(kinds) < len(tracks):
            return Refused("bad_tracks")
        self._tracks = tuple(found)
        heard = tuple(track.party for track in found if track.decode)
        seen = tuple(track.party for track in found if not track.decode)
        return Started(call_id, heard, token if isinstance(token, str) else "", seen)

    def _frame(self, data: bytes) -> Event:
        if not self._tracks:
            return Refused("no_start")
        if len(data) <= HEADER or data[0] >= len(self._tracks):
            return Dropped("bad_frame")
        track, at_ms, body = self._tracks[data[0]], int.from_bytes(data[1:HEADER], "big"), data[HEADER:]
        if at_ms > LATEST_MS:
            return Refused("time_leaps")
        if track.decode is None:
            whole = body.startswith(b"\xff\xd8") and body.rstrip(b"\0").endswith(b"\xff\xd9")
            return Picture(track.party, body, at_ms) if whole else Dropped("bad_jpeg")
        try:
            return Audio(track.party, track.rate_hz, track.decode(body), at_ms)
        except ValueError:
            return Dropped("bad_payload")


def _track(named: object) -> Track | None:
    """Return a track as a start message describes it, None where it does not."""
    if not isinstance(named, dict) or named.get("party") not in PARTIES:
        return None
    party, encoding = cast(Party, named["party"]), named.get("encoding")
    if encoding == JPEG:
        return Track(party, None)
    rate_hz = number(named.get("rate_hz"))
    if not isinstance(encoding, str) or rate_hz is None or not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        return None
    decode = NAMES.get(encoding)
    return Track(party, decode, rate_hz) if decode else None
