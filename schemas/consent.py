"""The consent to a session and its pauses: what is known, how it changes, and what it withholds."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from affectstream.schemas.errors import Malformed, PolicyError
from affectstream.schemas.messages import Media, Reason

Consent = Literal["unknown", "notified", "granted", "withdrawn"]
CONSENTS: tuple[Consent, ...] = get_args(Consent)
PROCESSABLE: tuple[Consent, ...] = ("unknown", "notified", "granted")  # withdrawn never is

MOST_PAUSES = 1_000  # of a session; the oldest two become one beyond it


@dataclass(frozen=True)
class Pause:
    """A span of event time in which nothing is analysed; without an end while it lasts."""

    from_ms: int
    to_ms: int | None = None

    def overlaps(self, start_ms: int, end_ms: int) -> bool:
        """Say whether an interval, or an instant, lies in it in part."""
        return end_ms >= self.from_ms and (self.to_ms is None or start_ms < self.to_ms)


@dataclass(frozen=True)
class Standing:
    """What is known of one session; ``version`` counts its changes."""

    consent: Consent = "unknown"
    pauses: tuple[Pause, ...] = ()
    version: int = 0

    @property
    def paused(self) -> bool:
        """Whether the session is paused now."""
        return bool(self.pauses) and self.pauses[-1].to_ms is None

    def refused(self, permitted: Collection[Consent]) -> bool:
        """Say whether nothing of the session may be processed."""
        return self.consent == "withdrawn" or self.consent not in permitted

    def withholds(self, message: Media, permitted: Collection[Consent]) -> Reason | None:
        """Return why a message may not be analysed; None where it may."""
        if message.withheld is not None:
            return message.withheld
        if self.refused(permitted):
            return Reason.NOT_PERMITTED
        start_ms, end_ms = message.start_ms, message.end_ms
        hidden = self.paused or any(pause.overlaps(start_ms, end_ms) for pause in self.pauses)
        return Reason.PAUSED if hidden else None

    def with_consent(self, consent: Consent) -> "Standing":
        """Return the standing after a change of consent; raises PolicyError once it was withdrawn."""
        if self.consent == "withdrawn" and consent != "withdrawn":
            raise PolicyError("consent was withdrawn, which is final: a new call needs a new session id")
        return self if consent == self.consent else replace(self, consent=consent, version=self.version + 1)

    def with_pause(self, from_ms: int) -> "Standing":
        """Return the standing with a pause that begins."""
        if self.paused:
            return self
        kept = self.pauses
        if len(kept) >= MOST_PAUSES:
            kept = (Pause(kept[0].from_ms, kept[1].to_ms), *kept[2:])
        return replace(self, pauses=(*kept, Pause(from_ms)), version=self.version + 1)

    def resumed(self, to_ms: int) -> "Standing":
        """Return the standing with its pause ended."""
        if not self.paused:
            return self
        last = self.pauses[-1]
        ended = Pause(last.from_ms, max(last.from_ms + 1, to_ms))
        return replace(self, pauses=(*self.pauses[:-1], ended), version=self.version + 1)

    def text(self) -> str:
        """Return the standing as it is kept."""
        pauses = [[pause.from_ms, pause.to_ms] for pause in self.pauses]
        return json.dumps({"consent": self.consent, "pauses": pauses, "version": self.version})


UNKNOWN = Standing()  # one for all sessions of which nothing is known


def standing(text: str | None) -> Standing:
    """Return the standing of a text, that of an unknown session for none; raises Malformed."""
    if text is None:
        return UNKNOWN
    try:
        found = json.loads(text)
        pauses = tuple(Pause(start, end) for start, end in found["pauses"])
        consent, version = found["consent"], int(found["version"])
    except (ValueError, KeyError, TypeError):
        raise Malformed("the consent of a session in Redis cannot be read") from None
    if consent not in CONSENTS:
        raise Malformed("the consent of a session in Redis is none that this version knows")
    return Standing(consent, pauses, version)


def withheld(message: Media, reason: Reason) -> Media:
    """Return ``message`` without its media, and why."""
    kept = message.model_dump(exclude={"jpeg", "pcm", "text", "context", "language"})
    empty: dict[str, Any] = {"jpeg": b"", "pcm": b"", "text": ""}  # others than the type's are ignored
    return type(message).model_validate({**kept, **empty, "withheld": reason})
