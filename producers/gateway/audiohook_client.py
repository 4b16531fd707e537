"""A client of AudioHook for a recording: what Genesys would send, numbered, answering what it gets; no I/O.

Written from the protocol, not from the gateway's reader.
"""

import json
import secrets
import time
import uuid
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from affectstream.producers.gateway.http_signature import signed, values
from affectstream.producers.gateway.simulators import TELEPHONE_HZ, Pcm, Timed, to_mu_law
from affectstream.schemas.errors import Unavailable

FRAME_MS = 100
FIRST_PING_MS, PING_MS = 1_000, 5_000
CHANNELS = ("external", "internal")
ORGANIZATION = "00000000-0000-4000-8000-000000000001"
NAMES = ("Organization", "Session", "Correlation")


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
    """One session: ``lanes`` are the 8 kHz sound of the external and the internal side."""

    def __init__(self, identity: Identity, lanes: Sequence[Pcm], emotions: bool = False) -> None:
        self._identity, self._lanes, self._emotions = identity, lanes[:2], emotions
        self._seq = self._serverseq = self._samples = 0
        self._pings: set[int] = set()  # that no pong answered yet
        self.channels: tuple[str, ...] | None = None  # those that the server chose
        self.closed = False
        self.entities: list[Mapping[str, Any]] = []

    def open(self) -> str:
        """Return the first message."""
        lists = [list(CHANNELS), ["external"], ["internal"]] if len(self._lanes) > 1 else [["external"]]
        parameters: dict[str, object] = {
            "organizationId": self._identity.organization_id,
            "conversationId": self._identity.conversation_id,
            "participant": {"id": str(uuid.uuid4()), "ani": "", "aniName": "", "dnis": ""},
            "media": [
                {"type": "audio", "format": "PCMU", "channels": c, "rate": TELEPHONE_HZ} for c in lists
            ],
            "language": "en-US",
        }
        if self._emotions:
            parameters["customConfig"] = {"affectstream": {"emotions": True}}
        return self._message("open", parameters)

    def receive(self, text: str) -> None:
        """Take a message of the server; raises Unavailable where it ends the session or breaks a rule."""
        message = json.loads(text)
        kind, parameters = message["type"], message["parameters"]
        if message["seq"] != self._serverseq + 1 or message["id"] != self._identity.session_id:
            raise Unavailable("the gateway broke the protocol: a message of another session or number")
        self._serverseq = message["seq"]
        match kind:
            case "opened":
                self.channels = tuple(parameters["media"][0]["channels"]) if parameters["media"] else ()
            case "pong" if message["clientseq"] not in self._pings:
                raise Unavailable("the gateway broke the protocol: a pong that answers no ping")
            case "pong":
                self._pings.remove(message["clientseq"])
            case "event":
                self.entities += parameters["entities"]
            case "disconnect":
                reason = f"{parameters['reason']}: {parameters.get('info', '')}"
                raise Unavailable(f"the gateway ended the session ({reason})")
            case "closed":
                self.closed = True

    def stream(self) -> Timed:
        """Yield (ms after the beginning, message) of the sound that the server chose, with pings."""
        named = dict(zip(CHANNELS, map(to_mu_law, self._lanes), strict=False))
        chosen = [np.frombuffer(named[channel], np.uint8) for channel in self.channels or ()]
        longest = max(map(len, chosen), default=0)
        silence = [np.full(longest - len(each), 0xFF, np.uint8) for each in chosen]
        joined = [np.concatenate(pair) for pair in zip(chosen, silence, strict=True)]
        step, ping_ms = TELEPHONE_HZ * FRAME_MS // 1000, FIRST_PING_MS
        for at in range(0, longest, step):
            block = np.stack([each[at : at + step] for each in joined], axis=1)
            at_ms = at * 1000 // TELEPHONE_HZ
            yield at_ms + len(block) * 1000 // TELEPHONE_HZ, block.tobytes()
            self._samples += len(block)
            if at_ms >= ping_ms:
                ping_ms += PING_MS
                yield at_ms + FRAME_MS, self._ping()

    def close(self) -> str:
        """Return the last message."""
        return self._message("close", {"reason": "end"})

    def _ping(self) -> str:
        self._pings.add(self._seq + 1)
        return self._message("ping", {})

    def _message(self, kind: str, parameters: Mapping[str, object]) -> str:
        self._seq += 1
        numbers = {"seq": self._seq, "serverseq": self._serverseq}
        position = f"PT{self._samples / TELEPHONE_HZ:.6f}".rstrip("0").rstrip(".") + "S"
        fields = {"version": "2", "type": kind, "id": self._identity.session_id, **numbers}
        return json.dumps({**fields, "position": position, "parameters": parameters})
