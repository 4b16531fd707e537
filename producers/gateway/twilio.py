"""Twilio Media Streams, and what resembles them: JSON messages with G.711 in base64, one track per party.

Twilio writes numbers as strings, others as numbers; some write snake_case, and some leave out the track.
Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from affectstream.producers.gateway.call_plan import NOT_SAID, PARTY_UNKNOWN, OneChannel, Whose
from affectstream.producers.gateway.events import (
    ANY,
    Audio,
    Dropped,
    Ended,
    Event,
    Heard,
    Refused,
    Started,
    StreamProtocol,
    Texts,
)
from affectstream.producers.gateway.sound import NAMES, Decode, linear, mu_law
from affectstream.schemas.messages import Party

LONGEST_TEXT = 64 * 1024
EPOCH_MS = 60_000  # a first time stamp above this counts from elsewhere than the beginning of the stream
LARGEST = 1 << 53
LOWEST_HZ, HIGHEST_HZ = 8_000, 48_000
ENCODINGS = {**NAMES, "base64": linear}  # as Exotel calls its 16-bit PCM

Fields = Mapping[str, Any]


_Number = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]


class _Media(msgspec.Struct, gc=False):
    payload: bytes  # base64 in the message
    track: Literal["inbound", "outbound"]
    timestamp: _Number
    chunk: _Number


class _Frame(msgspec.Struct, gc=False):
    event: Literal["media"]
    media: _Media
    stream: str = msgspec.field(name="streamSid")


FRAME = msgspec.json.Decoder(_Frame, strict=False)  # a number may be a string


class Twilio(StreamProtocol):
    """One stream of a call; ``parties`` says whom the tracks carry, ``unnamed`` whom frames without one.

    Before ``unnamed`` goes what the start message says: the parameter `party`, or the only track it names.
    """

    gathers = True

    def __init__(self, parties: Mapping[str, Party], unnamed: OneChannel = NOT_SAID) -> None:
        self._parties = parties  # "inbound" and "outbound"
        self._unnamed = unnamed
        self._alone: Whose = Refused(PARTY_UNKNOWN)  # of frames without a track
        self._stream = ""
        self._started = False
        self._decode: Decode = mu_law
        self._rate_hz = LOWEST_HZ
        self._zero_ms: int | None = None
        self._shift_ms = 0  # of a stream that goes on with a call

    def admitted(self, session_id: str, heard: Heard | None = None) -> Sequence[Event]:
        """Place a stream that goes on with a call where the call is now."""
        if heard is not None:
            self._shift_ms = max(heard.head_ms, heard.now_ms)
        return []

    def receive(self, data: str | bytes) -> Sequence[Event]:
        """Return the events of one message."""
        if len(data) > LONGEST_TEXT:
            return [Refused("message_too_long")]
        message = _object(data)
        if message is None:
            return [Refused("not_json")]
        match message.get("event"):
            case "media":
                return [self._media(message)]
            case "start":
                return [self._start(message)]
            case "stop":
                return [Ended("stop") if self._started else Refused("stop_before_start")]
            case str():
                return []  # connected, dtmf, mark, and what is added later
        return [Refused("no_event")]

    def _start(self, message: Fields) -> Event:
        if self._started:
            return Refused("second_start")
        body = _plain(message.get("start"))
        form = _plain(body.get("mediaformat"))
        encoding = str(form.get("encoding", "audio/x-mulaw")).lower().partition(";")[0].strip()
        rate_hz = number(form.get("samplerate", LOWEST_HZ))
        if encoding not in ENCODINGS or rate_hz is None or not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
            return Refused("media_format")
        if number(form.get("channels", 1)) != 1:
            return Refused("media_format")
        self._stream = _identity(message, body)
        call_id = _first(body, "callsid", "callid", "callcontrolid", "calluuid") or self._stream
        if not call_id:
            return Refused("no_call_id")
        self._started, self._decode, self._rate_hz = True, ENCODINGS[encoding], rate_hz
        given = _plain(body.get("customparameters"))
        token, parties = given.get("token", ""), self._tracks(body.get("tracks"), given.get("party"))
        return Started(call_id, parties, token if isinstance(token, str) else "", continues=ANY)

    def _tracks(self, named: object, stated: object) -> tuple[Party, ...]:
        """Return the parties of the tracks that a start message names, or all that may come.

        ``stated`` is whose it says that frames without a track are.
        """
        tracks = (
            {_track(name) for name in named if isinstance(name, str)} if isinstance(named, list) else set()
        )
        known = [party for track, party in self._parties.items() if track in tracks]
        if stated or not known:
            self._alone = self._unnamed.whose(stated)
        elif len(known) == 1:
            self._alone = known[0]
        elif self._unnamed.party in known:
            self._alone = self._unnamed.whose()
        parties = known or [*self._parties.values()]
        if not isinstance(self._alone, Refused):
            parties.append(self._alone)
        return tuple(dict.fromkeys(parties))

    def _media(self, message: Fields) -> Event:
        media = message.get("media")
        if not self._started or not isinstance(media, dict):
            return Refused("media_before_start") if not self._started else Dropped("bad_media")
        if message.get("streamSid") != self._stream and self._is_other(message):
            return Dropped("other_stream")
        track, payload = media.get("track"), media.get("payload")
        party = self._whose(track)
        if isinstance(party, Refused):
            return party
        if party is None or not isinstance(payload, str):
            return Dropped("bad_media")
        try:
            pcm = self._decode(base64.b64decode(payload, validate=True))
        except (binascii.Error, ValueError):
            return Dropped("bad_payload")
        return Audio(party, self._rate_hz, pcm, self._time(media), number(media.get("chunk")))

    def _whose(self, track: object) -> Whose | None:
        """Return the party of a frame's track; None where there is no such track."""
        if not track:
            return self._alone
        return self._parties.get(_track(track))

    def receive_all(self, texts: Texts) -> Sequence[Event]:
        """Return the events of messages, by a short way where all are sound as Twilio writes it."""
        sounds = self._sounds(texts)
        return super().receive_all(texts) if sounds is None else sounds

    def _sounds(self, texts: Texts) -> Sequence[Audio] | None:
        lines = "\n".join(texts)
        if not self._started or self._zero_ms != 0 or len(lines) > LONGEST_TEXT:
            return None
        if lines.count("\n") >= len(texts):  # one is written over several lines
            return None
        try:
            frames = FRAME.decode_lines(lines)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        parties, stream, decode, rate_hz = self._parties, self._stream, self._decode, self._rate_hz
        sounds: list[Audio] = []
        for frame in frames:
            media = frame.media
            party = parties.get(media.track)
            if party is None or frame.stream != stream or (decode is linear and len(media.payload) % 2):
                return None
            at_ms = media.timestamp + self._shift_ms
            sounds.append(Audio(party, rate_hz, media.payload, at_ms, media.chunk, decode))
        return sounds if len(sounds) == len(texts) else None

    def _is_other(self, message: Fields) -> bool:
        return bool(self._stream) and (_identity(message, {}) or self._stream) != self._stream

    def _time(self, media: Fields) -> int | None:
        """Return the time of a frame from the beginning of the stream; below 0 where it was overtaken."""
        at_ms = number(media.get("timestamp"))
        if at_ms is None:
            return None
        if self._zero_ms is None:
            self._zero_ms = at_ms if at_ms > EPOCH_MS else 0
        return at_ms - self._zero_ms + self._shift_ms


def _object(data: str | bytes) -> dict[str, Any] | None:
    """Return a JSON object, None for all else."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def number(value: object) -> int | None:
    """Return a whole number of at least 0 that is written as a number or as a string; None for all else."""
    if type(value) is str:
        return int(value) if value.isdigit() and value.isascii() and len(value) < 16 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
        return None
    return value


def _plain(fields: object) -> dict[str, Any]:
    """Return an object with its names in lower case and without underscores; {} for all else."""
    if not isinstance(fields, dict):
        return {}
    return {name.replace("_", "").lower(): value for name, value in fields.items()}


def _first(fields: Fields, *names: str) -> str:
    return next((v for v in map(fields.get, names) if isinstance(v, str) and v), "")


def _identity(message: Fields, body: Fields) -> str:
    """Return the id of the stream that a message belongs to, "" where it names none."""
    found = _first(message, "streamSid", "stream_sid", "streamId", "stream_id")
    return found or _first(body, "streamsid", "streamid")


def _track(name: object) -> str:
    return name.lower().removesuffix("_track") if isinstance(name, str) else ""
