"""One channel that may mix both parties of a call: refused, or read as whose the source or a setting says."""

import asyncio
import json
import uuid

import numpy as np
import pytest
from support.gateway import Broker, Wire, gate

from affectstream.producers.gateway.audiosocket import REFUSAL, WHOSE, AudioSocket, frame
from affectstream.producers.gateway.call_plan import OneChannel
from affectstream.producers.gateway.events import Audio, Refused, Reply, Started
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.requests import Request
from affectstream.producers.gateway.server import NORMAL, POLICY_VIOLATION, routes
from affectstream.producers.gateway.simulators import twilio
from affectstream.producers.gateway.streaming import tcp
from affectstream.producers.gateway.twilio import Twilio
from affectstream.producers.gateway.websocket import Socket
from affectstream.schemas.errors import Unavailable

PARTIES = {"inbound": "customer", "outbound": "agent"}
MIXED = OneChannel("other", "synthetic")
TELEPHONE = [message for _, message in twilio("CA1", {"inbound": np.zeros(8_000, "<i2")})]
TRACK = {"encoding": "s16le", "rate_hz": 8000}


def start(*tracks, **changes):
    """A start message of Twilio's shape that names these tracks, or none."""
    message = json.loads(TELEPHONE[1])
    message["start"] |= {"tracks": [*tracks], **changes}
    if not tracks:
        del message["start"]["tracks"]
    return json.dumps(message)


def untracked(message):
    """A frame of Twilio's shape that names no track."""
    found = json.loads(message)
    del found["media"]["track"]
    return json.dumps(found)


FRAMES = [untracked(message) for message in TELEPHONE[2:-1]]


def heard(protocol, *messages):
    """Whom the sound of a conversation is of, or why it was refused."""
    events = [event for message in messages for event in protocol.receive(message)]
    refused = [event.reason for event in events if isinstance(event, Refused)]
    return refused[0] if refused else {event.party for event in events if isinstance(event, Audio)}


@pytest.mark.parametrize(
    ("begun", "unnamed", "found"),
    [
        (start(), OneChannel(), "party_unknown"),
        (start("inbound", "outbound"), OneChannel("customer"), {"customer"}),
        (start("inbound", "outbound"), OneChannel(), "party_unknown"),  # each is one of the two
        (start("inbound", "outbound"), MIXED, "party_unknown"),
        (start("inbound"), OneChannel(), {"customer"}),
        (start("outbound_track"), MIXED, {"agent"}),
        (start(), OneChannel("customer"), {"customer"}),
        (start(), MIXED, {"other"}),
        (start(), OneChannel("other"), "agent_not_permitted"),
        (start(customParameters={"party": "customer"}), OneChannel(), {"customer"}),
        (start(customParameters={"party": "other"}), OneChannel(None, "synthetic"), {"other"}),
        (start(customParameters={"party": "other"}), OneChannel(), "agent_not_permitted"),
        (start("inbound", customParameters={"party": "other"}), MIXED, {"other"}),
        (start(customParameters={"party": "boss"}), MIXED, "bad_party"),
        (start(customParameters={"party": ["customer"]}), MIXED, "bad_party"),
    ],
)
def test_frames_of_twilios_shape_without_a_track(begun, unnamed, found):
    assert heard(Twilio(PARTIES, unnamed), begun, *FRAMES) == found


@pytest.mark.parametrize("unnamed", [OneChannel(), MIXED])
def test_a_track_that_is_named_needs_no_setting(unnamed):
    assert heard(Twilio(PARTIES, unnamed), *TELEPHONE) == {"customer"}
    assert heard(Twilio(PARTIES, unnamed), start(), *TELEPHONE[2:]) == {"customer"}


def test_a_stream_of_two_named_tracks_starts_no_party_of_the_setting():
    (started,) = Twilio(PARTIES, MIXED).receive(start("inbound", "outbound"))
    assert isinstance(started, Started) and started.parties == ("customer", "agent")


CALL = frame(1, uuid.uuid4().bytes)


@pytest.mark.parametrize(
    ("unnamed", "found"),
    [
        (OneChannel(), "party_unknown"),
        (OneChannel("customer"), {"customer"}),
        (MIXED, {"other"}),
        (OneChannel("other"), "agent_not_permitted"),
    ],
)
def test_audiosocket_carries_whom_the_configuration_names(unnamed, found):
    assert heard(AudioSocket(unnamed.whose()), CALL + frame(0x10, bytes(320))) == found


def test_asterisk_gets_an_error_that_tells_the_missing_setting_from_other_refusals():
    protocol = AudioSocket(OneChannel().whose())
    assert protocol.refused("party_unknown") == [Reply(WHOSE)]
    assert protocol.refused("agent_not_permitted") == [Reply(REFUSAL)] != [Reply(WHOSE)]


@pytest.mark.parametrize(
    ("track", "unnamed", "found"),
    [
        (TRACK, OneChannel(), "party_unknown"),
        (TRACK, OneChannel("customer"), {"customer"}),
        (TRACK, MIXED, {"other"}),
        (TRACK, OneChannel("other"), "agent_not_permitted"),
        (TRACK | {"party": "customer"}, MIXED, {"customer"}),
        (TRACK | {"party": "other"}, OneChannel(), {"other"}),  # the gate refuses it, below
        (TRACK | {"party": None}, MIXED, "bad_tracks"),
        ({"encoding": "jpeg"}, MIXED, "bad_tracks"),
        ({"encoding": "words"}, MIXED, "bad_tracks"),
    ],
)
def test_a_plain_track_of_sound_without_a_party(track, unnamed, found):
    begun = json.dumps({"type": "start", "call_id": "call-7", "tracks": [track]})
    assert heard(Plain(unnamed=unnamed), begun, bytes(9) + bytes(320)) == found


STREAMS = {
    "/twilio": [start(), *FRAMES],
    "/stream": [
        json.dumps({"type": "start", "call_id": "call-7", "tracks": [TRACK]}),
        bytes(9) + bytes(16_000),
    ],
}


async def streamed(shared, path, messages):
    """Stream messages to a path of the gateway; returns the code that it closes with and what it answered."""
    socket = routes(shared)(Request(path, "", {}))
    assert isinstance(socket, Socket)
    answers = []
    socket._transport = Wire(answers.append)
    for message in messages:
        socket._take(message)
    socket.stop()
    return await socket._serve(socket), answers


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize(
    ("settings", "purpose", "refusal"),
    [
        ({"unnamed_party": None}, "synthetic", "party_unknown"),
        ({"unnamed_party": "other"}, None, "agent_not_permitted"),
        ({"unnamed_party": "other"}, "synthetic", ""),
    ],
)
async def test_the_setting_lets_a_mixture_in_as_other_which_is_nobodys(path, settings, purpose, refusal):
    broker = Broker()
    code, answers = await streamed(gate(broker, purpose=purpose, **settings), path, STREAMS[path])
    assert code == (POLICY_VIOLATION if refusal else NORMAL)
    assert {message.party for message in broker.sent} == (set() if refusal else {"other"})
    if path == "/stream":
        answer = json.loads(answers[0])
        assert (answer["type"], answer.get("reason", "")) == ("refused" if refusal else "started", refusal)


TWO_TRACKS = [
    message for _, message in twilio("CA2", dict.fromkeys(("inbound", "outbound"), np.zeros(8_000, "<i2")))
]
NAMED_OTHER = {
    "/twilio": ({"outbound": "other"}, TWO_TRACKS),
    "/stream": (
        {},
        [
            json.dumps(
                {
                    "type": "start",
                    "call_id": "call-7",
                    "tracks": [TRACK | {"party": p} for p in ("customer", "other")],
                }
            ),
            *(bytes((track,)) + bytes(8) + bytes(16_000) for track in (0, 1)),
        ],
    ),
}


@pytest.mark.parametrize("path", NAMED_OTHER)
@pytest.mark.parametrize(("purpose", "heard"), [(None, {"customer"}), ("synthetic", {"customer", "other"})])
async def test_a_channel_that_is_named_other_is_left_out_without_a_purpose(path, purpose, heard):
    (settings, messages), broker = NAMED_OTHER[path], Broker()
    code, _ = await streamed(gate(broker, purpose=purpose, **settings), path, messages)
    assert (code, {message.party for message in broker.sent}) == (NORMAL, heard)


async def test_a_simulated_connection_tells_which_setting_the_gateway_lacks():
    async def accept(reader, writer):
        await reader.readexactly(len(CALL))
        writer.write(WHOSE)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unavailable, match=r"gateway\.audiosocket_party"):
            await tcp(*server.sockets[0].getsockname(), iter([(0, CALL)]), 1.0)


def test_two_channels_in_one_track_are_refused():
    begun = json.loads(TELEPHONE[1])
    begun["start"]["mediaFormat"]["channels"] = 2
    assert Twilio(PARTIES).receive(json.dumps(begun)) == [Refused("media_format")]
