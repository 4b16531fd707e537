"""A streamed track that is named as a mixture of both parties is read as one party: `other`."""

import json
import uuid

import numpy as np
import pytest
from support.gateway import Broker, gate

from affectstream.producers.gateway.audiosocket import AudioSocket, frame
from affectstream.producers.gateway.connection import Connection
from affectstream.producers.gateway.events import Refused
from affectstream.producers.gateway.plain import Plain
from affectstream.producers.gateway.simulators import twilio
from affectstream.producers.gateway.twilio import Twilio

TRACK = {"party": "other", "encoding": "s16le", "rate_hz": 8000}
START = {"type": "start", "call_id": "call-7", "tracks": [TRACK]}
TELEPHONE = [message for _, message in twilio("CA1", {"inbound": np.zeros(8_000, "<i2")})]
STREAMS = {
    "audiosocket": (AudioSocket("other"), [frame(1, uuid.uuid4().bytes) + frame(0x10, bytes(16_000))]),
    "twilio": (Twilio({"inbound": "other", "outbound": "agent"}), TELEPHONE[:-1]),
    "plain": (Plain(), [json.dumps(START), bytes(9) + bytes(16_000)]),
}


@pytest.mark.parametrize("name", STREAMS)
async def test_a_track_that_is_named_as_mixed_is_read_as_other(name):
    (protocol, messages), broker = STREAMS[name], Broker()

    async def reply(data):
        pass

    async with Connection(name, protocol, gate(broker), reply) as connection:
        for message in messages:
            await connection.feed(message)
    assert broker.sent and {message.party for message in broker.sent} == {"other"}


def test_two_channels_in_one_track_are_refused():
    start = json.loads(TELEPHONE[1])
    start["start"]["mediaFormat"]["channels"] = 2
    assert Twilio({"inbound": "customer"}).receive(json.dumps(start)) == [Refused("media_format")]
