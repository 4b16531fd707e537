"""The messages of AudioHook v2 as values: their envelope, durations, identities, offers of media; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from affectstream.producers.gateway.sound import Decode, linear, mu_law

LONGEST_TEXT = 65_535
LATEST_S = 86_400  # of a position or a duration
LARGEST = 1 << 53
MUTED_S = 5  # after a client that reports too many messages and no time to wait
LOWEST_HZ, HIGHEST_HZ = 8_000, 48_000
NULL_UUID = "00000000-0000-0000-0000-000000000000"
MOST_CONTINUED = 32
FORMATS: Mapping[str, Decode] = {"PCMU": mu_law, "L16": linear}
CHANNELS = ("external", "internal")
ERROR_CODES = (400, 405, 408, 409, 413, 415, 429, 500, 503)

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_NUMBER = r"(\d{1,15}(?:\.\d{0,24})?|\.\d{1,24})"  # a client may print all digits of a double
_DURATION = re.compile(rf"PT(?=\d|\.\d)(?:(\d{{1,9}})H)?(?:(\d{{1,9}})M)?(?:{_NUMBER}S)?")

Fields = Mapping[str, Any]


class Malformed(Exception):
    """What of a message is not as the protocol has it; ``reason`` is a fixed name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Envelope:
    """A client's message."""

    kind: str
    id: str
    seq: int
    serverseq: int
    position_ns: int
    parameters: Fields


@dataclass(frozen=True)
class Media:
    """An offer of sound: channels, of which the samples alternate."""

    offer: Fields  # as it was made, which is how it is accepted
    channels: tuple[str, ...]
    rate_hz: int
    decode: Decode
    sample_bytes: int

    @property
    def frame_bytes(self) -> int:
        """Return the size of a sample of all channels."""
        return self.sample_bytes * len(self.channels)

    def split(self, data: bytes) -> list[bytes]:
        """Return the 16-bit little-endian mono PCM of each channel; raises Malformed for half a sample."""
        if not data or len(data) % self.frame_bytes:
            raise Malformed("half_a_sample")
        samples = np.frombuffer(self.decode(data), "<i2").reshape(-1, len(self.channels))
        return [samples[:, lane].tobytes() for lane in range(len(self.channels))]


@dataclass(frozen=True)
class Opening:
    """The parameters of `open` that are used."""

    organization_id: str
    conversation_id: str  # "" where there is none
    probe: bool  # of the connection; there is no call
    media: tuple[Media, ...]
    offers: int
    continued: tuple[str, ...]  # AudioHook sessions that this one goes on from, the newest last
    language: str
    asks_languages: bool
    asks_emotions: bool


def envelope(text: str) -> Envelope:
    """Return a client's message; raises Malformed."""
    if len(text) > LONGEST_TEXT:
        raise Malformed("message_too_long")
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Malformed("not_json") from None
    if not isinstance(message, dict) or message.get("version") != "2":
        raise Malformed("not_version_2")
    kind, parameters = message.get("type"), message.get("parameters")
    if not isinstance(kind, str) or not isinstance(parameters, dict):
        raise Malformed("bad_message")
    seq, serverseq = (_sequence(message.get(name)) for name in ("seq", "serverseq"))
    return Envelope(
        kind, uuid(message.get("id")), seq, serverseq, duration_ns(message.get("position")), parameters
    )


def opening(parameters: Fields) -> Opening:
    """Return the parameters of `open`; raises Malformed."""
    participant = parameters.get("participant")
    if not isinstance(participant, dict):
        raise Malformed("bad_parameters")
    conversation_id, participant_id = uuid(parameters.get("conversationId")), uuid(participant.get("id"))
    offers = parameters.get("media")
    if not isinstance(offers, list):
        raise Malformed("bad_parameters")
    usable = [media for offer in offers if (media := _media(offer))]
    language = parameters.get("language", "")
    return Opening(
        organization_id=uuid(parameters.get("organizationId")),
        conversation_id="" if conversation_id == NULL_UUID else conversation_id,
        probe=conversation_id == participant_id == NULL_UUID,
        media=tuple(usable),
        offers=len(offers),
        continued=_continued(parameters.get("continuedSessions")),
        language=language if _is_language(language) else "",
        asks_languages=parameters.get("supportedLanguages") is True,
        asks_emotions=_asks_emotions(parameters.get("customConfig")),
    )


def uuid(value: object) -> str:
    """Return a UUID in lower case; raises Malformed."""
    if isinstance(value, str) and _UUID.fullmatch(value.lower()):
        return value.lower()
    raise Malformed("bad_id")


def duration_ns(value: object) -> int:
    """Return the nanoseconds of an ISO 8601 duration below a day, as in PT1.25S; raises Malformed."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) and len(value) <= 40 else None
    if found is None:
        raise Malformed("bad_duration")
    hours, minutes, seconds = found.groups(default="0")
    whole, _, part = seconds.partition(".")
    total_s = int(hours) * 3600 + int(minutes) * 60 + int(whole or 0)
    nanoseconds = total_s * 1_000_000_000 + int(part[:9].ljust(9, "0"))
    if total_s >= LATEST_S:
        raise Malformed("bad_duration")
    return nanoseconds


def duration(nanoseconds: int) -> str:
    """Return an ISO 8601 duration in seconds."""
    whole, part = divmod(nanoseconds, 1_000_000_000)
    return f"PT{whole}.{part:09}".rstrip("0").rstrip(".") + "S"


def language(parameters: Fields) -> str:
    """Return the language of `update`; raises Malformed."""
    named = parameters.get("language")
    if not _is_language(named):
        raise Malformed("bad_parameters")
    return str(named)


def error_name(parameters: Fields) -> str:
    """Return a fixed name for the code of a client's error."""
    code = parameters.get("code")
    return f"client_error_{code}" if isinstance(code, int) and code in ERROR_CODES else "client_error"


def mute_s(parameters: Fields) -> float:
    """Return for how long a client's error asks for silence; raises Malformed."""
    if parameters.get("code") != 429:
        return 0.0
    after = parameters.get("retryAfter", f"PT{MUTED_S}S")
    return duration_ns(after) / 1_000_000_000


def _is_language(value: object) -> bool:
    return isinstance(value, str) and bool(_LANGUAGE.fullmatch(value))


def _sequence(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
        raise Malformed("bad_message")
    return value


def _media(offer: object) -> Media | None:
    """Return an offer, None where it cannot be used."""
    if not isinstance(offer, dict) or offer.get("type") != "audio":
        return None
    named, rate_hz, form = offer.get("channels"), offer.get("rate"), offer.get("format")
    if not isinstance(form, str) or form not in FORMATS:
        return None
    if not isinstance(rate_hz, int) or not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        return None
    if not isinstance(named, list) or not all(name in CHANNELS for name in named):
        return None
    channels = tuple(named)
    if not channels or len({*channels}) < len(channels):
        return None
    return Media(offer, channels, rate_hz, FORMATS[form], 1 if form == "PCMU" else 2)


def _continued(named: object) -> tuple[str, ...]:
    if named is None:
        return ()
    if not isinstance(named, list) or len(named) > MOST_CONTINUED:
        raise Malformed("bad_parameters")
    return tuple(uuid(each.get("id") if isinstance(each, dict) else None) for each in named)


def _asks_emotions(config: object) -> bool:
    """Say whether ``customConfig`` is ``{"affectstream": {"emotions": true}}``, with or without more."""
    ours = config.get("affectstream") if isinstance(config, dict) else None
    return isinstance(ours, dict) and ours.get("emotions") is True


def chosen(media: Sequence[Media], wanted: Sequence[str]) -> Media | None:
    """Return the first offer of all channels that are wanted and of no other, else the one nearest to it.

    Sound of a channel that may not be processed is not asked for where it need not be.
    """

    def distance(offer: Media) -> tuple[int, int]:
        absent = sum(channel not in offer.channels for channel in wanted)
        return absent, len(offer.channels)

    useful = [offer for offer in media if any(channel in wanted for channel in offer.channels)]
    return min(useful, key=distance, default=None)
