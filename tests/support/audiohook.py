"""A client's side of AudioHook, against the reader without a connection."""

import json

from support.audiohook_schema import server_message

from affectstream.producers.gateway.audiohook import AudioHook, Upgrade
from affectstream.producers.gateway.events import (
    Refused,
    Reply,
    Started,
)

ORGANIZATION = "d7934305-0972-4844-938e-9060eef73d05"
SESSION = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
CONVERSATION = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"
PARTICIPANT = {
    "id": "883efee8-3d6c-4537-b500-6d7ca4b92fa0",
    "ani": "+1-555-0100",
    "aniName": "J",
    "dnis": "1",
}
STEREO = {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000}
EXTERNAL, INTERNAL = STEREO | {"channels": ["external"]}, STEREO | {"channels": ["internal"]}
OFFERS = [STEREO, EXTERNAL, INTERNAL]
PARTIES = {"external": "customer", "internal": "agent"}
BOTH = ("external", "internal")


class Client:
    """A client's side: numbers what it sends, and keeps what it gets."""

    def __init__(self, wanted=BOTH, now_s=lambda: 0.0, heard=None, **opening):
        self.hook = AudioHook(Upgrade(ORGANIZATION, SESSION), PARTIES, wanted, now_s)
        self.seq = self.serverseq = 0
        self.got, self.heard = [], heard
        self.opening = {
            "organizationId": ORGANIZATION,
            "conversationId": CONVERSATION,
            "participant": PARTICIPANT,
            "media": OFFERS,
            **opening,
        }

    def message(self, kind, position="PT0S", **parameters):
        self.seq += 1
        numbers = {"seq": self.seq, "serverseq": self.serverseq, "position": position}
        return {"version": "2", "type": kind, "id": SESSION, **numbers, "parameters": parameters}

    def send(self, kind, position="PT0S", **parameters):
        """Events of a message but the replies, which are kept."""
        return self.take(self.hook.receive(json.dumps(self.message(kind, position, **parameters))))

    def sound(self, samples, channels=2):
        return self.take(self.hook.receive(bytes(samples * channels)))

    def take(self, events):
        kept = []
        for event in events:
            match event:
                case Reply():
                    self.got.append(server_message(event.data))
                    self.serverseq = self.got[-1]["seq"]
                case Started():
                    kept.append(event)
                    self.take(self.hook.admitted("session", self.heard))
                case Refused():
                    kept.append(event)
                    self.take(self.hook.refused(event.reason))
                case _:
                    kept.append(event)
        return kept

    def open(self, position="PT0S"):
        return self.send("open", position, **self.opening)


def server(seq, clientseq, kind, **parameters):
    numbers = {"seq": seq, "clientseq": clientseq}
    return {"version": "2", "type": kind, "id": SESSION, **numbers, "parameters": parameters}
