"""A plain WebSocket for sound, pictures and words, for programs of one's own; see docs/call-centre.md.

Text messages are JSON: they steer, and carry words; a binary message is one frame: a byte with the number of
its track, eight bytes with its time in ms since the beginning of the stream (unsigned, big-endian), and the
sound or the JPEG.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec

from affectstream.producers.gateway.call_plan import NOT_SAID, OneChannel
from affectstream.producers.gateway.events import (
    Audio,
    Consented,
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
    Words,
)
from affectstream.producers.gateway.sound import NAMES, Decode
from affectstream.producers.gateway.twilio import HIGHEST_HZ, LONGEST_TEXT, LOWEST_HZ, number
from affectstream.schemas.consent import CONSENTS
from affectstream.schemas.messages import PARTIES, Party

HEADER = 9
MOST_TRACKS = 3 * len(PARTIES)
JPEG, WORDS = "jpeg", "words"
LATEST_MS = 1 << 40
LONGEST_UTTERANCE, LONGEST_LANGUAGE = 8_000, 32  # characters


@dataclass(frozen=True)
class Track:
    """What the frames of one number are."""

    party: Party
    kind: Literal["sound", "picture", "words"]
    decode: Decode | None = None  # of sound
    rate_hz: int = 0


class Plain(StreamProtocol):
    """One stream of a call; or of words ``beside`` a call that another stream brings.

    ``unnamed`` says whose a track of sound is that names no party.
    """

    def __init__(self, beside: bool = False, unnamed: OneChannel = NOT_SAID) -> None:
        self._beside, self._unnamed = beside, unnamed
        self._tracks: tuple[Track, ...] = ()
        self._resume = ""  # the secret by which another stream may go on with the call; "": none may

    def receive(self, data: str | bytes) -> Sequence[Event]:
        """Return the events of one message."""
        return [self._frame(data)] if isinstance(data, bytes) else self._steered(data)

    def admitted(self, session_id: str, heard: Heard | None = None) -> Sequence[Event]:
        """Return the answer to a start: the session's id, and by what another stream may go on with it."""
        known: dict[str, object] = {"type": "started", "session": session_id}
        if self._resume:
            known |= {"resume": self._resume, "at_ms": heard.head_ms if heard else 0}
        return [Reply(json.dumps(known))]

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
        if kind == WORDS:
            return [self._words(message)]
        if kind == "consent":
            return [_consent(message.get("consent"))]
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
        tracks = [self._track(each) for each in named[: MOST_TRACKS + 1]] if isinstance(named, list) else []
        if refused := next((track for track in tracks if isinstance(track, Refused)), None):
            return refused
        found = [track for track in tracks if isinstance(track, Track)]
        kinds = {(track.party, track.kind) for track in found}
        if (
            not found
            or len(kinds) < len(tracks)
            or (self._beside and {track.kind for track in found} != {WORDS})
        ):
            return Refused("bad_tracks")
        self._tracks = tuple(found)
        heard, seen, read = (
            tuple(track.party for track in found if track.kind == kind)
            for kind in ("sound", "picture", "words")
        )
        admitted_by, stream = token if isinstance(token, str) else "", self._resumable(message.get("resume"))
        return Started(call_id, heard, admitted_by, seen, *stream, words=read, beside=self._beside)

    def _track(self, named: object) -> Track | Refused | None:
        """Return a track as a start message describes it, None where it does not; or why it is refused."""
        if not isinstance(named, dict):
            return None
        if "party" in named or named.get("encoding") in (JPEG, WORDS):
            return _track(named)
        party = self._unnamed.whose()
        return party if isinstance(party, Refused) else _track(named | {"party": party})

    def _resumable(self, resume: object) -> tuple[str, tuple[str, ...]]:
        """Return the stream's id, and that of the one it goes on from; ``resume`` is true, or its secret."""
        if self._beside or not resume:
            return "", ()
        self._resume = resume if isinstance(resume, str) else secrets.token_urlsafe(24)
        stream_id = f"plain {self._resume}"
        return stream_id, (stream_id,) if isinstance(resume, str) else ()

    def _words(self, message: Mapping[str, Any]) -> Event:
        """Return a recogniser's result; one that is none is dropped, since the next may be good."""
        track, text, language = number(message.get("track")), message.get("text"), message.get("language")
        start_ms, end_ms = number(message.get("start_ms")), number(message.get("end_ms"))
        if track is None or not 0 <= track < len(self._tracks) or self._tracks[track].kind != WORDS:
            return Dropped("bad_track")
        if start_ms is None or end_ms is None or not 0 <= start_ms <= end_ms:
            return Dropped("bad_times")
        if end_ms > LATEST_MS:
            return Refused("time_leaps")
        if not isinstance(text, str) or len(text) > LONGEST_UTTERANCE:
            return Dropped("bad_text")
        stated = language[:LONGEST_LANGUAGE] if isinstance(language, str) and language else None
        final = message.get("final") is True
        return Words(self._tracks[track].party, start_ms, end_ms, text, final, stated)

    def _frame(self, data: bytes) -> Event:
        if not self._tracks:
            return Refused("no_start")
        if len(data) <= HEADER or data[0] >= len(self._tracks):
            return Dropped("bad_frame")
        track, at_ms, body = self._tracks[data[0]], int.from_bytes(data[1:HEADER], "big"), data[HEADER:]
        if at_ms > LATEST_MS:
            return Refused("time_leaps")
        if track.kind == WORDS:
            return Dropped("bad_frame")
        if track.decode is None:
            whole = body.startswith(b"\xff\xd8") and body.rstrip(b"\0").endswith(b"\xff\xd9")
            return Picture(track.party, body, at_ms) if whole else Dropped("bad_jpeg")
        try:
            return Audio(track.party, track.rate_hz, track.decode(body), at_ms)
        except ValueError:
            return Dropped("bad_payload")


def _consent(named: object) -> Event:
    return Consented(named) if named in CONSENTS else Refused("bad_consent")


def _track(named: Mapping[str, Any]) -> Track | None:
    """Return a track of a party, None where it is none."""
    if named.get("party") not in PARTIES:
        return None
    party, encoding = cast(Party, named["party"]), named.get("encoding")
    if encoding in (JPEG, WORDS):
        return Track(party, "picture" if encoding == JPEG else "words")
    rate_hz = number(named.get("rate_hz"))
    if not isinstance(encoding, str) or rate_hz is None or not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        return None
    decode = NAMES.get(encoding)
    return Track(party, "sound", decode, rate_hz) if decode else None
