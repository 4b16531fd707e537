"""The simulated client of AudioHook: a session with the gateway's reader, and what it refuses of a server."""

import json
import uuid

import numpy as np
import pytest
from support.audiohook_schema import client_message, server_message

from affectstream.producers.gateway.audiohook import AudioHook, Upgrade
from affectstream.producers.gateway.audiohook_client import AudioHookClient, Identity
from affectstream.producers.gateway.events import Audio, Ended, Reply, Started
from affectstream.producers.gateway.simulators import to_mu_law
from affectstream.producers.gateway.sound import mu_law
from affectstream.schemas.errors import Unavailable

IDENTITY = Identity(str(uuid.UUID(int=7, version=4)), str(uuid.UUID(int=8, version=4)))
PARTIES = {"external": "customer", "internal": "agent"}
LANES = [np.arange(n, dtype="<i2") * 3 for n in (8_000 * 7 + 11, 8_000 * 5)]


def session(lanes, wanted=("external", "internal")):
    """Sound by party, and the events but sound, of a whole session."""
    client = AudioHookClient(IDENTITY, lanes)
    hook = AudioHook(Upgrade(IDENTITY.organization_id, IDENTITY.session_id), PARTIES, wanted)
    heard, others = {}, []

    def exchange(message):
        client_message(message) if isinstance(message, str) else None
        todo = list(hook.receive(message))
        while todo:
            match event := todo.pop(0):
                case Started():
                    todo += hook.admitted("session")
                case Reply():
                    server_message(event.data)
                    client.receive(event.data)
                case Audio():
                    heard[event.party] = heard.get(event.party, b"") + event.pcm
                case _:
                    others.append(event)

    exchange(client.open())
    for _, message in client.stream():
        exchange(message)
    exchange(client.close())
    assert client.closed
    return heard, others


@pytest.mark.parametrize(
    ("lanes", "wanted", "expected"),
    [
        (LANES, ("external", "internal"), {"customer": 0, "agent": 1}),
        (LANES, ("external",), {"customer": 0}),
        (LANES[:1], ("external", "internal"), {"customer": 0}),
    ],
)
def test_a_session_carries_the_sound_of_the_channels_that_may_be_heard(lanes, wanted, expected):
    heard, others = session(lanes, wanted)
    assert others == [Ended("end")]
    for party, lane in expected.items():
        sent = mu_law(to_mu_law(lanes[lane]))
        assert heard[party][: len(sent)] == sent and not any(heard[party][len(sent) :])
    assert heard.keys() == expected.keys()


def server(seq, kind, **parameters):
    numbers = {"seq": seq, "clientseq": 1}
    return json.dumps({"type": kind, "id": IDENTITY.session_id, **numbers, "parameters": parameters})


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (server(2, "opened", media=[]), "broke the protocol"),
        (server(1, "pong"), "answers no ping"),
    ],
)
def test_what_a_server_does_wrong_ends_the_session(message, said):
    client = AudioHookClient(IDENTITY, LANES)
    client.open()
    with pytest.raises(Unavailable, match=said):
        client.receive(message)


def kinds(messages):
    """Types of text messages, and samples of sound, as they follow on each other; time that passes is 0."""
    found = []
    for message in messages:
        if isinstance(message, str):
            body = client_message(message)
            found.append((body["type"], body["position"], body["parameters"]))
        elif found and isinstance(found[-1], int) and bool(found[-1]) == bool(message):
            found[-1] += len(message)
        else:
            found.append(len(message))
    return found


def opened(**parameters):
    client = AudioHookClient(IDENTITY, [np.zeros(4_000, "<i2")])
    client.open()
    media = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
    client.receive(server(1, "opened", media=[media], **parameters))
    return client


def test_a_ping_states_how_long_the_one_before_took():
    now_s = [0.0]
    client = AudioHookClient(IDENTITY, [np.zeros(8_000 * 7, "<i2")], now_s=lambda: now_s[0])
    client.open()
    media = {"type": "audio", "format": "PCMU", "channels": ["external"], "rate": 8000}
    client.receive(server(1, "opened", media=[media]))
    pings = []
    for _, message in client.stream():
        if isinstance(message, str):
            pings.append(client_message(message))
            now_s[0] += 0.25
            client.receive(
                json.dumps(json.loads(server(1 + len(pings), "pong")) | {"clientseq": 1 + len(pings)})
            )
    assert [ping["parameters"] for ping in pings] == [{}, {"rtt": "PT0.250000S"}]


def test_a_server_may_pause_and_resume():
    client, sent = opened(startPaused=True), []
    for seq, (_, message) in enumerate(client.stream(), 1):
        sent.append(message)
        if seq == 3:  # the second frame of the pause
            client.receive(server(2, "resume"))
    assert kinds(sent) == [
        ("paused", "PT0S", {}),
        0,
        ("resumed", "PT0.2S", {"start": "PT0S", "discarded": "PT0.2S"}),
        2400,
    ]


def test_what_a_server_heard_before_is_discarded():
    client = opened(discardTo="PT0.3S")
    assert kinds(m for _, m in client.stream()) == [
        ("discarded", "PT0.3S", {"start": "PT0S", "discarded": "PT0.3S"}),
        1600,
    ]


def test_a_server_may_ask_for_another_session():
    client, sent = opened(), []
    for _, message in client.stream():
        sent.append(message)
        client.receive(server(2, "reconnect")) if len(sent) == 1 else None
    assert kinds(sent) == [800] and json.loads(client.close())["parameters"] == {"reason": "reconnect"}
    again = client_message(client.next_session().open())
    assert again["id"] != IDENTITY.session_id and again["position"] == "PT0.1S"
    assert again["parameters"]["continuedSessions"] == [
        {"id": IDENTITY.session_id, "serverseq": 2, "clientseq": 2}
    ]


def test_a_server_may_disconnect():
    client = opened()
    client.receive(server(2, "disconnect", reason="unauthorized", info="why"))
    assert kinds(m for _, m in client.stream()) == [] and client.fault == "unauthorized: why"
    assert json.loads(client.close())["parameters"] == {"reason": "disconnect"}
