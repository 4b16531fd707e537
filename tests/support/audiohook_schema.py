"""The messages of AudioHook v2 as Genesys' reference implementation checks them, strictly, of both sides.

Written from `app/audiohook/src/protocol` of https://github.com/purecloudlabs/audiohook-reference-implementation,
not from the gateway's reader or its simulated client: a name that is not there is a fault here.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

NULL = "00000000-0000-0000-0000-000000000000"
HEX = "[0-9a-fA-F]"
UUID = rf"^(?:{HEX}{{8}}-{HEX}{{4}}-[1-5]{HEX}{{3}}-[89abAB]{HEX}{{3}}-{HEX}{{12}}|{NULL})$"

Uuid = Annotated[StrictStr, Field(pattern=UUID)]
Duration = Annotated[StrictStr, Field(pattern=r"^PT(?:\d*\.)?\d+S$")]
Language = Annotated[StrictStr, Field(pattern=r"^[a-z]{2,3}-[A-Za-z]{2,3}$")]
Number = Annotated[StrictInt, Field(ge=0)]


class Part(BaseModel):
    """A group of fields."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Part):
    """No parameters."""


class Media(Part):
    """An offer, or the choice of one."""

    type: Literal["audio"]
    format: Literal["PCMU", "L16"]
    channels: Annotated[list[Literal["external", "internal"]], Field(min_length=1, max_length=2)]
    rate: Annotated[StrictInt, Field(ge=8000)]  # Genesys has 8000 alone


class Participant(Part):
    """Who is heard on the external channel."""

    id: Uuid
    ani: StrictStr
    aniName: StrictStr
    dnis: StrictStr


class Continued(Part):
    """A session that this one goes on from."""

    id: Uuid
    serverseq: Number
    clientseq: Number


class Open(Part):
    """Of `open`."""

    organizationId: Uuid
    conversationId: Uuid
    participant: Participant
    media: list[Media]
    language: Language | None = None
    supportedLanguages: StrictBool | None = None
    continuedSessions: list[Continued] | None = None
    customConfig: dict[str, Any] | None = None


class Span(Part):
    """Of `resumed` and `discarded`."""

    start: Duration
    discarded: Duration


class Ping(Part):
    """Of `ping`."""

    rtt: Duration | None = None


class Update(Part):
    """Of `update`."""

    language: Language


class Close(Part):
    """Of `close`."""

    reason: Literal["end", "error", "disconnect", "reconnect"]


class Error(Part):
    """Of `error`."""

    code: Literal[400, 405, 408, 409, 413, 415, 429, 500, 503]
    message: StrictStr
    retryAfter: Duration | None = None


class Opened(Part):
    """Of `opened`."""

    media: Annotated[list[Media], Field(max_length=1)]
    startPaused: StrictBool | None = None
    discardTo: Duration | None = None
    supportedLanguages: list[StrictStr] | None = None


class Disconnect(Part):
    """Of `disconnect`."""

    reason: Literal["completed", "unauthorized", "error"]
    info: StrictStr | None = None


class Reconnect(Part):
    """Of `reconnect`."""

    info: StrictStr | None = None


class Entity(Part):
    """What an event is about."""

    type: StrictStr
    data: dict[str, Any]


class Event(Part):
    """Of `event`."""

    entities: Annotated[list[Entity], Field(min_length=1)]


CLIENT = {
    "open": Open,
    "ping": Ping,
    "paused": Nothing,
    "resumed": Span,
    "discarded": Span,
    "update": Update,
    "error": Error,
    "close": Close,
}
SERVER = {
    "opened": Opened,
    "pong": Nothing,
    "pause": Nothing,
    "resume": Nothing,
    "reconnect": Reconnect,
    "disconnect": Disconnect,
    "event": Event,
    "updated": Nothing,
    "closed": Nothing,
}


class Message(Part):
    """The envelope of both sides."""

    version: Literal["2"]
    type: StrictStr
    id: Uuid
    seq: Number
    parameters: dict[str, Any]


class ClientMessage(Message):
    """The envelope of a client."""

    serverseq: Number
    position: Duration


class ServerMessage(Message):
    """The envelope of a server."""

    clientseq: Number


def client_message(text):
    """Return a message that a client sends; raises ValidationError, or KeyError for a type that is none."""
    return _checked(text, ClientMessage, CLIENT)


def server_message(text):
    """Return a message that a server sends; raises ValidationError, or KeyError for a type that is none."""
    return _checked(text, ServerMessage, SERVER)


def _checked(text, envelope, parameters):
    assert len(text) <= 65_535
    message = envelope.model_validate_json(text)
    parameters[message.type].model_validate(message.parameters)
    return json.loads(text)
