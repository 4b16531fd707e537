"""AudioHook sessions on connections to a gateway without sockets."""

import asyncio
import json

from support.audiohook_schema import server_message

from affectstream.producers.gateway.audiohook import AudioHook, Upgrade
from affectstream.producers.gateway.connection import Connection

ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
CONVERSATION = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"
SESSIONS = [f"30b0e395-84d3-4570-ac13-9a62d8f514c{digit}" for digit in range(10)]
PARTIES = {"external": "customer", "internal": "agent"}
SECOND = bytes([0xFF]) * 8_000  # of silence


class Session:
    """One AudioHook session of a client, on a connection of its own."""

    def __init__(self, gate, number, continues=(), **opening):
        self.id, self.got, self.seq = SESSIONS[number], [], 0
        hook = AudioHook(Upgrade(ORGANIZATION, self.id), PARTIES, ["external"])
        self.connection = Connection("audiohook", hook, gate, self.reply)
        self.messages = asyncio.Queue()
        self.running = asyncio.create_task(self.run())
        offer = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
        self.opening = {
            "organizationId": ORGANIZATION,
            "conversationId": CONVERSATION,
            "participant": {"id": ORGANIZATION},
            "media": [offer],
            "continuedSessions": [{"id": SESSIONS[n], "serverseq": 1, "clientseq": 1} for n in continues],
            **opening,
        }

    async def run(self):
        async with self.connection:
            await self.connection.run(self.messages.get)
        await self.connection.linger(self.messages.get)

    async def reply(self, data):
        self.got.append(server_message(data))

    async def send(self, kind, position="PT0S", **parameters):
        self.seq += 1
        numbers = {"seq": self.seq, "serverseq": len(self.got), "position": position}
        message = {"version": "2", "type": kind, "id": self.id, **numbers, "parameters": parameters}
        await self.put(json.dumps(message))

    async def put(self, message):
        self.messages.put_nowait(message)
        for _ in range(50):
            await asyncio.sleep(0)

    async def opened(self, seconds=0, position="PT0S"):
        await self.send("open", position, **self.opening)
        for _ in range(seconds):
            await self.put(SECOND)
        return self

    async def gone(self):
        await self.put(None)
        await self.running
