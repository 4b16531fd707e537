"""Genesys AudioHook v2: JSON messages that steer, and binary messages of sound whose channels alternate.

The samples are the stream's clock. Its position grows by what is received and by what the client states that
it discarded, so what is missing is a gap of its length::

    client   open ... audio audio discarded(1 s) audio paused . . . resumed(4 s) audio close
    server        opened                                                              closed
    position      0         2                3         4                 8           9 s

The client closes the connection, whoever ends the session: after a `disconnect` its `close` is waited for.
Sources: https://developer.genesys.cloud/devapps/audiohook/protocol-reference and
https://github.com/purecloudlabs/audiohook-reference-implementation
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from affectstream.producers.gateway import audiohook_messages as messages
from affectstream.producers.gateway.audiohook_clock import NS_PER_MS, StreamClock
from affectstream.producers.gateway.audiohook_emotion import emotion
from affectstream.producers.gateway.audiohook_messages import Envelope, Malformed, Media, Opening
from affectstream.producers.gateway.events import (
    Audio,
    Dropped,
    Ended,
    Event,
    Heard,
    Paused,
    Refused,
    Reply,
    Resumed,
    Started,
    StreamProtocol,
)
from affectstream.runtime.rates import Rate
from affectstream.schemas.messages import FusedEmotion, Party

RECEIVED_PER_S, RECEIVED_AT_ONCE = 20.0, 200  # text messages of a client
EVENTS_PER_S, EVENTS_AT_ONCE = 4.0, 20  # of ours: clients bear five messages a second, pongs among them
LANGUAGE = "en-US"
NO_RIGHT = frozenset({"organization", "agent_not_permitted", "token", "withdrawn"})


@dataclass(frozen=True)
class Upgrade:
    """The identities that the request for the connection names."""

    organization_id: str
    session_id: str  # as the client writes it, to whom it is sent back


class AudioHook(StreamProtocol):
    """One session; ``parties`` says whom the channels carry, ``wanted`` which channels may be heard."""

    client_closes = True

    def __init__(
        self,
        upgrade: Upgrade,
        parties: Mapping[str, Party],
        wanted: Sequence[str],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upgrade, self._parties, self._wanted, self._now_s = upgrade, parties, wanted, now_s
        self._state = "preparing"  # then opening, open, paused, refused, closed
        self._seq = self._clientseq = 0
        self._opening: Opening | None = None
        self._media: Media | None = None
        self._clock = StreamClock()
        self._received = Rate(RECEIVED_PER_S, RECEIVED_AT_ONCE, now_s)
        self._events = Rate(EVENTS_PER_S, EVENTS_AT_ONCE, now_s)
        self._muted_until_s = 0.0

    @property
    def asks_emotions(self) -> bool:
        """Say whether the client wants the fused emotions back."""
        return self._opening is not None and self._opening.asks_emotions

    def receive(self, data: str | bytes) -> Sequence[Event]:
        """Return the events of one message."""
        if self._state == "closed":
            return []
        if isinstance(data, bytes):
            return self._sound(data)
        if not self._received.take():
            return self._refuse("too_many_messages")
        try:
            message = messages.envelope(data)
            self._check(message)
            return self._steered(message)
        except Malformed as error:
            return self._refuse(error.reason)

    def admitted(self, session_id: str, heard: Heard | None = None) -> Sequence[Event]:
        """Return `opened`, with what need not be sent again where ``heard`` says that it was heard before."""
        heard_ns = self._clock.begin(heard)
        discard = {} if heard_ns is None else {"discardTo": messages.duration(heard_ns)}
        return self._opened({"startPaused": False, **discard})

    def refused(self, reason: str) -> Sequence[Event]:
        """Return `disconnect`, after which the client closes the session."""
        if self._state in ("refused", "closed"):
            return []
        self._state = "refused"
        right = "unauthorized" if reason in NO_RIGHT else "error"
        return [self._message("disconnect", {"reason": right, "info": reason.replace("_", " ")})]

    def ended(self, reason: str) -> Sequence[Event]:
        """Return `disconnect` where this side ends a session that broke no rule."""
        if self._state in ("refused", "closed"):
            return []
        self._state = "refused"
        return [self._message("disconnect", {"reason": "completed", "info": reason.replace("_", " ")})]

    def stopping(self) -> Sequence[Event]:
        """Return `reconnect`: the client goes on with another session before this process stops."""
        return [self._message("reconnect", {})] if self._state in ("open", "paused") else []

    def emotions(self, finals: Iterable[FusedEmotion], zero_ms: int) -> Sequence[Event]:
        """Return an `event` with an entity for each window; ``zero_ms`` is the time of the call's zero.

        Nothing where the client reported too many messages, or would.
        """
        channels = [(name, self._parties[name]) for name in self._media.channels] if self._media else []
        zero_ns = zero_ms * NS_PER_MS + self._clock.shift_ns
        entities = [found for final in finals if (found := emotion(final, channels, zero_ns))]
        if self._state not in ("open", "paused") or not entities or self._now_s() < self._muted_until_s:
            return []
        return [self._message("event", {"entities": entities})] if self._events.take() else []

    def _message(self, kind: str, parameters: Mapping[str, object]) -> Reply:
        self._seq += 1
        numbers = {"seq": self._seq, "clientseq": self._clientseq}
        fields = {"version": "2", "type": kind, "id": self._upgrade.session_id, **numbers}
        return Reply(json.dumps({**fields, "parameters": parameters}))

    def _refuse(self, reason: str) -> Sequence[Event]:
        return [Refused(reason)] if self._state != "refused" else []

    def _check(self, message: Envelope) -> None:
        """Raise Malformed where a message is of another session, or out of sequence."""
        if message.id != self._upgrade.session_id.lower():
            raise Malformed("other_session")
        before, self._clientseq = self._clientseq, message.seq
        if self._state == "refused":
            return
        if message.seq != before + 1:
            raise Malformed("sequence")
        if message.serverseq > self._seq:
            raise Malformed("server_sequence")

    def _steered(self, message: Envelope) -> Sequence[Event]:
        if message.kind == "close":
            return self._close(message)
        if message.kind == "ping":
            self._events.take()
            return [self._message("pong", {}), *self._accounted(message)]
        if self._state == "refused":
            return []
        if message.kind == "open":
            return self._open(message) if self._state == "preparing" else []
        if message.kind == "error":
            self._muted_until_s = self._now_s() + messages.mute_s(message.parameters)
            return [Dropped(messages.error_name(message.parameters))]
        if self._state not in ("open", "paused"):
            return [Dropped("before_open")]
        return self._going_on(message)

    def _going_on(self, message: Envelope) -> Sequence[Event]:
        """Return the events of a message that only an open session has."""
        match message.kind:
            case "update":
                messages.language(message.parameters)
                return [self._message("updated", {})]
            case "discarded":
                return [*self._discard(message), *self._accounted(message)]
            case "paused":
                return self._pause(message)
            case "resumed":
                return self._resume(message)
        return [Dropped("unknown_type")]

    def _open(self, message: Envelope) -> Sequence[Event]:
        self._opening = opening = messages.opening(message.parameters)
        if opening.organization_id != self._upgrade.organization_id:
            return self._refuse("organization")
        self._media = messages.chosen(opening.media, self._wanted)
        self._clock = StreamClock(self._media.rate_hz if self._media else 1, message.position_ns)
        if opening.probe or not opening.offers:
            return self._opened({"startPaused": False})
        if self._media is None:
            return self._refuse("agent_not_permitted" if opening.media else "media_format")
        self._state = "opening"
        parties = tuple(self._parties[channel] for channel in self._media.channels)
        stream_id, earlier = self._upgrade.session_id.lower(), opening.continued
        call_id = opening.conversation_id or stream_id
        return [Started(call_id, parties, None, stream_id=stream_id, continues=earlier, several=True)]

    def _opened(self, parameters: Mapping[str, object]) -> Sequence[Event]:
        assert self._opening
        self._state = "open"
        media = [self._media.offer] if self._media else []
        languages = [self._opening.language or LANGUAGE]
        asked = {"supportedLanguages": languages} if self._opening.asks_languages else {}
        return [self._message("opened", {"media": media, **parameters, **asked})]

    def _close(self, message: Envelope) -> Sequence[Event]:
        reason = message.parameters.get("reason")
        off = [] if self._state in ("paused", "refused") else self._accounted(message)
        self._state = "closed"
        named = reason if reason in ("end", "error", "disconnect", "reconnect") else "end"
        return [*off, self._message("closed", {}), Ended(named)]

    def _pause(self, message: Envelope) -> Sequence[Event]:
        off, before, self._state = self._accounted(message), self._state, "paused"
        return [] if before == "paused" else [*off, Paused()]  # paused still, as an answer to `resume`

    def _resume(self, message: Envelope) -> Sequence[Event]:
        events = self._discard(message)
        paused, self._state = self._state == "paused", "open"
        return [*events, *([Resumed()] if paused else []), *self._accounted(message)]

    def _discard(self, message: Envelope) -> Sequence[Event]:
        """Move the position on by what was discarded."""
        start_ns = messages.duration_ns(message.parameters.get("start"))
        off = self._clock.differs(start_ns)
        self._clock.discard(messages.duration_ns(message.parameters.get("discarded")))
        return [Dropped("position")] if off else []

    def _accounted(self, message: Envelope) -> Sequence[Event]:
        """Count a message whose position is not the end of what was received and discarded."""
        known = self._media is not None and self._state != "paused"
        return [Dropped("position")] if known and self._clock.differs(message.position_ns) else []

    def _sound(self, data: bytes) -> Sequence[Event]:
        media = self._media
        if self._state != "open" or media is None:
            return self._refuse(f"sound_while_{self._state}" if media else "sound_without_media")
        try:
            lanes = media.split(data)
        except Malformed as error:
            return self._refuse(error.reason)
        at_ms, index = self._clock.take(len(data) // media.frame_bytes)
        return [
            Audio(self._parties[channel], media.rate_hz, pcm, at_ms, index)
            for channel, pcm in zip(media.channels, lanes, strict=True)
        ]
