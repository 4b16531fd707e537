"""Proof: of a gateway that is killed, calls go on at the next process as the same sessions, or are ended."""

import asyncio
import json
import time
import uuid
from contextlib import AsyncExitStack
from itertools import pairwise

import numpy as np
import pytest
from support.genesys import session_of, signed, url
from support.streamed import telephone
from support.worker_topics import read_all
from websockets.asyncio.client import connect

from affectstream.producers.gateway.admission import new_token
from affectstream.producers.gateway.audiohook_client import AudioHookClient, Identity
from affectstream.producers.gateway.audiosocket import frame
from affectstream.runtime.store import FusedStore
from affectstream.schemas.messages import EndOfStream, Reason
from affectstream.schemas.topics import CHUNKS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

SECOND = 8_000  # samples
TRACK = {"party": "customer", "encoding": "s16le", "rate_hz": 8000}


class Conversation:
    """An AudioHook call whose second session sends again what may have been lost with the process."""

    def __init__(self, pcm):
        self.id, self.pcm = str(uuid.uuid4()), pcm
        self.sessions = [str(uuid.uuid4()) for _ in range(2)]

    async def began(self, gateway, exits):
        identity = Identity(self.sessions[0], self.id)
        client = AudioHookClient(identity, [self.pcm[: 4 * SECOND + SECOND // 2]])
        opening = connect(url(gateway), additional_headers=signed(gateway, identity), proxy=None)
        socket = await exits.enter_async_context(opening)
        await streamed(socket, client)
        await socket.send(client.ping())  # whose answer says that all was read
        while client.awaits_pong:
            client.receive(await socket.recv())

    async def goes_on(self, gateway):
        identity = Identity(self.sessions[1], self.id)
        earlier = [{"id": self.sessions[0], "serverseq": 1, "clientseq": 1}]
        client = AudioHookClient(identity, [self.pcm], first=3 * SECOND, continued=earlier)
        async with connect(url(gateway), additional_headers=signed(gateway, identity), proxy=None) as socket:
            await streamed(socket, client)
            await socket.send(client.close())
            while not client.closed:
                client.receive(await socket.recv())


async def streamed(socket, client):
    await socket.send(client.open())
    client.receive(await socket.recv())
    for _, message in client.stream():
        await socket.send(message)


class Own:
    """A call by the plain WebSocket that is resumed by its secret, from where the gateway says."""

    def __init__(self, pcm):
        self.id, self.pcm = f"own-{uuid.uuid4()}", pcm

    async def began(self, gateway, exits):
        socket = await exits.enter_async_context(self.connected(gateway))
        known = await self.started(gateway, socket, True)
        self.secret, self.session = known["resume"], known["session"]
        await self.sound(socket, 0, 2500)

    async def goes_on(self, gateway):
        async with self.connected(gateway) as socket:
            known = await self.started(gateway, socket, self.secret)
            assert (known["session"], known["resume"]) == (self.session, self.secret)
            assert 1500 < known["at_ms"] <= 2500  # the end of the newest hop, which ends with a second
            await self.sound(socket, known["at_ms"], 5000)
            await socket.send(json.dumps({"type": "stop"}))
            assert json.loads(await socket.recv()) == {"type": "ended"}

    def connected(self, gateway):
        return connect(f"ws://127.0.0.1:{gateway.settings.gateway.port}/stream", proxy=None)

    async def started(self, gateway, socket, resume):
        token = new_token(gateway.settings.gateway.token.get_secret_value(), time.time())
        said = {"type": "start", "call_id": self.id, "token": token, "tracks": [TRACK], "resume": resume}
        await socket.send(json.dumps(said))
        return json.loads(await socket.recv())

    async def sound(self, socket, first_ms, last_ms):
        for at_ms in range(first_ms, last_ms, 100):
            block = self.pcm[at_ms * 8 : min(at_ms + 100, last_ms) * 8].tobytes()
            await socket.send(b"\0" + at_ms.to_bytes(8, "big") + block)


async def sent(gateway, session_id):
    """Chunks and the end of a session as they count: each number once, as it came first."""
    every = [message for _, message in await read_all(gateway.settings.kafka, CHUNKS)]
    found = {m.seq: m for m in reversed(every) if m.session_id == session_id}
    assert not [m for m in every if m.session_id.startswith(f"{session_id}-")]
    return [found[seq] for seq in sorted(found)]


async def until_sent(gateway, session_id, count):
    while len(await sent(gateway, session_id)) < count:
        await asyncio.sleep(0.2)


async def test_calls_of_a_killed_gateway_go_on_or_are_ended(gateway):
    pcm = np.rint(telephone(8, 150.0) * 32768).astype("<i2")
    conversation, own, lost = Conversation(pcm), Own(pcm), uuid.uuid4()
    async with AsyncExitStack() as exits:
        await conversation.began(gateway, exits)
        await own.began(gateway, exits)
        port = gateway.settings.gateway.audiosocket_port
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(frame(1, lost.bytes) + frame(0x10, pcm[: 2 * SECOND].tobytes()))
        for session_id, count in (
            (session_of(conversation.id), 4),
            (own.session, 2),
            (session_of(str(lost)), 2),
        ):
            await until_sent(gateway, session_id, count)
        gateway.children.kill("gateway")
        writer.close()
    gateway.children.start("gateway")
    gateway.children.wait_ready(60, ["gateway"])
    await conversation.goes_on(gateway)
    await own.goes_on(gateway)
    ended = await gateway.event("call_ended", session=session_of(str(lost)))
    assert (ended["reason"], ended["protocol"]) == ("process_died", "audiosocket")
    assert await length_ms(gateway, session_of(conversation.id)) == 8000
    assert await length_ms(gateway, own.session) == 5000
    assert 1000 < await length_ms(gateway, session_of(str(lost))) <= 2000  # a hop may be lost with it


async def length_ms(gateway, session_id):
    """Return how long a call is, once it is over; its chunks have no gap and no overlap."""
    while not isinstance((await sent(gateway, session_id))[-1], EndOfStream):
        await asyncio.sleep(0.2)
    *chunks, end = await sent(gateway, session_id)
    assert [m.seq for m in chunks] == [*range(len(chunks))] and not [m for m in chunks if m.withheld]
    assert {m.run for m in chunks} == {end.run}
    assert all(one.end_ms == following.start_ms for one, following in pairwise(chunks))
    assert chunks[-1].end_ms == end.end_ms
    await whole(gateway, session_id, chunks)
    return end.end_ms - chunks[0].start_ms


async def whole(gateway, session_id, chunks):
    """Wait until every window of a session is final; none is without its sound."""
    async with FusedStore(gateway.settings.redis) as store:
        while (await store.position(session_id, "customer") or 0) < chunks[-1].end_ms:
            await asyncio.sleep(0.2)
        windows = await store.finals(session_id, "customer")
    states = [state for window in windows for state in window.modalities]
    assert len(windows) == -(-chunks[-1].end_ms // 1000) - chunks[0].start_ms // 1000
    assert not [each for each in states if each.state == "missing" or each.reason is Reason.FAILED]
