"""A client of AudioHook for a recording: what Genesys would send, numbered, answering what it gets; no I/O.

Written from the protocol, not from the gateway's reader.
"""

import json
import secrets
import time
import uuid
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from affectstream.producers.gateway.http_signature import signed, values
from affectstream.producers.gateway.simulators import TELEPHONE_HZ, Pcm, Timed, to_mu_law
from affectstream.schemas.errors import Unavailable

FRAME = 800  # samples
SILENCE = 0xFF  # in mu-law
FIRST_PING_MS, PING_MS = 1_000, 5_000
CHANNELS = ("external", "internal")
ORGANIZATION = "00000000-0000-4000-8000-000000000001"
NAMES = ("Organization", "Session", "Correlation")


Show = Callable[[Mapping[str, Any]], None]
"""Takes an entity that the server sends."""


@dataclass(frozen=True)
class Identity:
    """Of one session."""

    session_id: str
    conversation_id: str
    organization_id: str = ORGANIZATION


def headers(
    url: str, identity: Identity, key: str, secret: str, now_s: float | None = None
) -> dict[str, str]:
    """Return the header fields of the request for a connection, signed where there is a secret."""
    parts = urlsplit(url)
    ids = (identity.organization_id, identity.session_id, str(uuid.uuid4()))
    fields = {f"Audiohook-{name}-Id": each for name, each in zip(NAMES, ids, strict=True)}
    fields["X-API-KEY"] = key
    if not secret:
        return fields
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    nonce, created_s = secrets.token_urlsafe(18), int(time.time() if now_s is None else now_s)
    covered = values({name.lower(): value for name, value in fields.items()}, target, parts.netloc)
    return fields | signed(covered, key, b64decode(secret), nonce, created_s)


class AudioHookClient:
    """One session: ``lanes`` are the 8 kHz sound of the external and the internal side.

    What the server asks for is done by `stream`, between two frames, so that messages are numbered as they
    are sent. ``first`` is the sample that it begins with, ``continued`` the sessions that it goes on from.
    """

    def __init__(
        self,
        identity: Identity,
        lanes: Sequence[Pcm],
        emotions: bool = False,
        show: Show = lambda _: None,
        first: int = 0,
        continued: Sequence[Mapping[str, object]] = (),
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity, self._lanes, self._emotions = identity, lanes[:2], emotions
        self._show, self._first, self._samples = show, first, first
        self._continued, self._now_s = continued, now_s
        self._seq = self._serverseq = 0
        self._pings: dict[int, float] = {}  # when those were sent that no pong answered yet
        self._rtt_s: float | None = None  # of the newest ping that was answered
        self._discard_to = 0
        self._asked: deque[str] = deque()  # pause and resume
        self._paused_at: int | None = None
        self.channels: tuple[str, ...] | None = None  # those that the server chose
        self.ending = ""  # the reason of `close` where the server asked for it
        self.closed = False
        self.fault = ""  # why the server ended the session

    def open(self) -> str:
        """Return the first message."""
        lists = [list(CHANNELS), ["external"], ["internal"]] if len(self._lanes) > 1 else [["external"]]
        parameters: dict[str, object] = {
            "organizationId": self.identity.organization_id,
            "conversationId": self.identity.conversation_id,
            "participant": {"id": str(uuid.uuid4()), "ani": "", "aniName": "", "dnis": ""},
            "media": [
                {"type": "audio", "format": "PCMU", "channels": c, "rate": TELEPHONE_HZ} for c in lists
            ],
            "language": "en-US",
        }
        if self._continued:
            parameters["continuedSessions"] = list(self._continued)
        if self._emotions:
            parameters["customConfig"] = {"affectstream": {"emotions": True}}
        return self._message("open", parameters)

    def receive(self, text: str) -> None:
        """Take a message of the server; raises Unavailable where it breaks the protocol."""
        message = json.loads(text)
        kind, parameters = message["type"], message["parameters"]
        if message["seq"] != self._serverseq + 1 or message["id"] != self.identity.session_id:
            raise Unavailable("the gateway broke the protocol: a message of another session or number")
        self._serverseq = message["seq"]
        match kind:
            case "opened":
                self._opened(parameters)
            case "pong":
                self._pong(message["clientseq"])
            case "event":
                for entity in parameters["entities"]:
                    self._show(entity)
            case "closed":
                self.closed = True
            case _:
                self._steer(kind, parameters)

    def _steer(self, kind: str, parameters: Mapping[str, Any]) -> None:
        if kind in ("pause", "resume"):
            self._asked.append(kind)
        elif kind == "reconnect":
            self.ending = self.ending or "reconnect"
        elif kind == "disconnect":
            self.ending = "disconnect"
            self.fault = f"{parameters['reason']}: {parameters.get('info', '')}"

    def _pong(self, clientseq: int) -> None:
        if clientseq not in self._pings:
            raise Unavailable("the gateway broke the protocol: a pong that answers no ping")
        self._rtt_s = self._now_s() - self._pings.pop(clientseq)

    @property
    def awaits_pong(self) -> bool:
        """Whether a ping was not answered yet."""
        return bool(self._pings)

    def ping(self) -> str:
        """Return a ping, which states how long the one before took."""
        self._pings[self._seq + 1] = self._now_s()
        return self._message("ping", {} if self._rtt_s is None else {"rtt": f"PT{self._rtt_s:.6f}S"})

    def stream(self) -> Timed:
        """Yield (ms after the beginning, message) of the sound that the server chose, with pings.

        An empty message stands for the time of a frame that is not sent.
        """
        codes, ping_ms = self._codes(), FIRST_PING_MS
        if self._discard_to > self._samples:
            start, self._samples = self._samples, min(self._discard_to, len(codes))
            yield 0, self._message("discarded", self._span(start))
        while self._samples < len(codes) and not self.ending:
            at_ms = (self._samples - self._first) * 1000 // TELEPHONE_HZ
            for message in self._answers():
                yield at_ms, message
            block = codes[self._samples : self._samples + FRAME]
            end_ms = at_ms + len(block) * 1000 // TELEPHONE_HZ
            yield end_ms, block.tobytes() if self._paused_at is None else b""
            self._samples += len(block)
            if at_ms >= ping_ms:
                ping_ms += PING_MS
                yield end_ms, self.ping()

    def close(self) -> str:
        """Return the last message."""
        return self._message("close", {"reason": self.ending or "end"})

    def next_session(self) -> Self:
        """Return the session that goes on from this one, where the server asked for another."""
        this = {"id": self.identity.session_id, "serverseq": self._serverseq, "clientseq": self._seq}
        identity = replace(self.identity, session_id=str(uuid.uuid4()))
        earlier = [*self._continued, this]
        going_on = (self._samples, earlier, self._now_s)
        return type(self)(identity, self._lanes, self._emotions, self._show, *going_on)

    def _opened(self, parameters: Mapping[str, Any]) -> None:
        self.channels = tuple(parameters["media"][0]["channels"]) if parameters["media"] else ()
        if parameters.get("startPaused"):
            self._asked.append("pause")
        seconds = float(str(parameters.get("discardTo", "PT0S")).removeprefix("PT").removesuffix("S"))
        self._discard_to = round(seconds * TELEPHONE_HZ)

    def _codes(self) -> NDArray[np.uint8]:
        """Return the mu-law codes of the chosen channels, as long as the longest: (samples, channels)."""
        named = dict(zip(CHANNELS, map(to_mu_law, self._lanes), strict=False))
        chosen = [np.frombuffer(named[channel], np.uint8) for channel in self.channels or ()]
        codes = np.full((max(map(len, chosen), default=0), len(chosen)), SILENCE, np.uint8)
        for lane, each in enumerate(chosen):
            codes[: len(each), lane] = each
        return codes

    def _answers(self) -> Iterator[str]:
        """Yield what the server asked for: a pause, or its end."""
        while self._asked:
            if self._asked.popleft() == "pause":
                self._paused_at = self._samples if self._paused_at is None else self._paused_at
                yield self._message("paused", {})
            else:
                start = self._samples if self._paused_at is None else self._paused_at
                self._paused_at = None
                yield self._message("resumed", self._span(start))

    def _span(self, start: int) -> dict[str, str]:
        return {"start": _duration(start), "discarded": _duration(self._samples - start)}

    def _message(self, kind: str, parameters: Mapping[str, object]) -> str:
        self._seq += 1
        numbers = {"seq": self._seq, "serverseq": self._serverseq}
        fields = {"version": "2", "type": kind, "id": self.identity.session_id, **numbers}
        return json.dumps({**fields, "position": _duration(self._samples), "parameters": parameters})


def _duration(samples: int) -> str:
    return f"PT{samples / TELEPHONE_HZ:.6f}".rstrip("0").rstrip(".") + "S"
