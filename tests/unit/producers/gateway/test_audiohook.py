"""AudioHook: whole conversations, the choice of media, probes, reconnects."""

import json

import numpy as np
import pytest
from support.audiohook import (
    BOTH,
    CONVERSATION,
    EXTERNAL,
    INTERNAL,
    OFFERS,
    ORGANIZATION,
    PARTICIPANT,
    PARTIES,
    SESSION,
    STEREO,
    Client,
    server,
)

from affectstream.producers.gateway.audiohook import AudioHook, Upgrade
from affectstream.producers.gateway.audiohook_messages import NULL_UUID
from affectstream.producers.gateway.events import (
    Audio,
    Dropped,
    Ended,
    Refused,
    Reply,
    Started,
)


def test_a_whole_session():
    client = Client()
    (started,) = client.open()
    assert started == Started(CONVERSATION, ("customer", "agent"), None, (), SESSION, (), True)
    assert client.send("ping") == []
    first = client.sound(1600)
    assert client.send("ping", "PT0.2S", rtt="PT0.01S") == []
    assert client.send("update", "PT0.2S", language="en-US") == []
    second = client.sound(800)
    assert client.send("close", "PT0.3S", reason="end") == [Ended("end")]
    assert client.got == [
        server(1, 1, "opened", media=[STEREO], startPaused=False),
        server(2, 2, "pong"),
        server(3, 3, "pong"),
        server(4, 4, "updated"),
        server(5, 5, "closed"),
    ]
    assert [(a.party, a.rate_hz, a.stream_ms, a.index, len(a.pcm)) for a in [*first, *second]] == [
        ("customer", 8000, 0, 1, 3200),
        ("agent", 8000, 0, 1, 3200),
        ("customer", 8000, 200, 2, 1600),
        ("agent", 8000, 200, 2, 1600),
    ]
    assert client.sound(160) == [] and client.send("ping") == []


def test_the_bytes_of_a_reply():
    client = Client()
    (reply,) = client.hook.receive(json.dumps(client.message("ping")))
    assert reply.data == (
        '{"version": "2", "type": "pong", "id": "30b0e395-84d3-4570-ac13-9a62d8f514c0", '
        '"seq": 1, "clientseq": 1, "parameters": {}}'
    )


def test_the_channels_alternate_sample_by_sample():
    for form, dtype, sent in (
        ("PCMU", np.uint8, [0xFF, 0x80, 0x7E, 0x00]),
        ("L16", "<i2", [0, 32124, -8, -32124]),
    ):
        client = Client(media=[STEREO | {"format": form}])
        client.open()
        external, internal = client.take(client.hook.receive(np.array(sent, dtype).tobytes()))
        assert np.frombuffer(external.pcm, "<i2").tolist() == [0, -8]
        assert np.frombuffer(internal.pcm, "<i2").tolist() == [32124, -32124]
        assert (external.party, internal.party) == ("customer", "agent")


@pytest.mark.parametrize(
    ("offers", "wanted", "expected"),
    [
        (OFFERS, BOTH, STEREO),
        (OFFERS[::-1], BOTH, STEREO),
        ([EXTERNAL, INTERNAL], BOTH, EXTERNAL),
        ([INTERNAL, EXTERNAL], BOTH, INTERNAL),
        (OFFERS, ("external",), EXTERNAL),
        ([STEREO], ("external",), STEREO),
        (
            [STEREO | {"channels": ["internal", "external"]}],
            BOTH,
            STEREO | {"channels": ["internal", "external"]},
        ),
        ([STEREO | {"format": "OPUS"}, STEREO | {"format": "L16"}], BOTH, STEREO | {"format": "L16"}),
        ([STEREO | {"rate": 16000, "format": "L16"}], BOTH, STEREO | {"rate": 16000, "format": "L16"}),
        ([], BOTH, None),
    ],
)
def test_the_media_is_one_of_the_offers_with_no_more_channels_than_may_be_heard(offers, wanted, expected):
    client = Client(wanted, media=offers)
    client.open()
    assert client.got[0]["parameters"]["media"] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("offers", "wanted", "right"),
    [
        ([STEREO | {"format": "OPUS"}], BOTH, "error"),
        ([STEREO | {"channels": ["external", "external"]}], BOTH, "error"),
        ([STEREO | {"rate": 96000}], BOTH, "error"),
        ([{"type": "video"}, 7, None], BOTH, "error"),
        ([INTERNAL], ("external",), "unauthorized"),
    ],
)
def test_where_no_offer_can_be_used_the_session_is_refused(offers, wanted, right):
    client = Client(wanted, media=offers)
    assert isinstance(client.open()[0], Refused)
    assert (client.got[0]["type"], client.got[0]["parameters"]["reason"]) == ("disconnect", right)
    assert client.send("close", reason="disconnect") == [Ended("disconnect")]
    assert client.got[1] == server(2, 2, "closed")


def test_a_probe_of_the_connection_is_answered_and_is_no_call():
    client = Client(conversationId=NULL_UUID, participant=PARTICIPANT | {"id": NULL_UUID})
    assert client.open() == []
    assert client.got == [server(1, 1, "opened", media=[STEREO], startPaused=False)]
    assert client.send("close", reason="end") == [Ended("end")]
    assert client.got[1:] == [server(2, 2, "closed")]


def test_a_message_that_is_added_to_the_protocol_later_is_ignored():
    client = Client()
    client.open()
    assert client.send("playback_started") == [Dropped("unknown_type")]
    assert client.send("ping") == [] and client.got[-1] == server(2, 3, "pong")


def test_it_asks_to_reconnect_while_the_session_is_open():
    client = Client()
    assert client.hook.stopping() == []
    client.open()
    client.take(client.hook.stopping())
    assert client.got[-1] == server(2, 1, "reconnect")
    assert client.send("close", reason="reconnect") == [Ended("reconnect")]
    assert client.hook.stopping() == []


def test_a_session_that_this_side_ends_is_completed():
    client = Client()
    client.open()
    client.take(client.hook.ended("too_long"))
    assert client.got[-1] == server(2, 1, "disconnect", reason="completed", info="too long")
    assert client.hook.ended("again") == client.hook.refused("again") == []


@pytest.mark.parametrize(
    ("language", "asked", "expected"),
    [("de-DE", True, ["de-DE"]), (None, True, ["en-US"]), ("de-DE", False, None)],
)
def test_languages_are_stated_where_they_are_asked_for(language, asked, expected):
    client = Client(supportedLanguages=asked, **({"language": language} if language else {}))
    client.open()
    assert client.got[0]["parameters"].get("supportedLanguages") == expected


GOLDEN = [
    (
        '{"version":"2","id":"30b0e395-84d3-4570-ac13-9a62d8f514c0","type":"open","seq":1,"serverseq":0,'
        '"position":"PT0S","parameters":{"organizationId":"d7934305-0972-4844-938e-9060eef73d05",'
        '"conversationId":"090eaa2f-72fa-480a-83e0-8667ff89c0ec","participant":{"id":'
        '"883efee8-3d6c-4537-b500-6d7ca4b92fa0","ani":"+1-555-555-1234","aniName":"John Doe",'
        '"dnis":"+1-800-555-6789"},"media":[{"type":"audio","format":"PCMU","channels":["external"],'
        '"rate":8000}],"language":"en-US","supportedLanguages":true}}',
        '{"version": "2", "type": "opened", "id": "30b0e395-84d3-4570-ac13-9a62d8f514c0", "seq": 1, '
        '"clientseq": 1, "parameters": {"media": [{"type": "audio", "format": "PCMU", "channels": '
        '["external"], "rate": 8000}], "startPaused": false, "supportedLanguages": ["en-US"]}}',
    ),
    (b"\xff\x80\x00\x7f" * 400, "00007c7d84820000"),  # the first samples, in hexadecimal digits
    (
        '{"version":"2","id":"30b0e395-84d3-4570-ac13-9a62d8f514c0","type":"ping","seq":2,"serverseq":1,'
        '"position":"PT0.2S","parameters":{"rtt":"PT0.008S"}}',
        '{"version": "2", "type": "pong", "id": "30b0e395-84d3-4570-ac13-9a62d8f514c0", "seq": 2, '
        '"clientseq": 2, "parameters": {}}',
    ),
    (
        '{"version":"2","id":"30b0e395-84d3-4570-ac13-9a62d8f514c0","type":"close","seq":3,"serverseq":2,'
        '"position":"PT0.2S","parameters":{"reason":"end"}}',
        '{"version": "2", "type": "closed", "id": "30b0e395-84d3-4570-ac13-9a62d8f514c0", "seq": 3, '
        '"clientseq": 3, "parameters": {}}',
    ),
]


def test_a_golden_conversation():
    hook = AudioHook(Upgrade(ORGANIZATION, SESSION), PARTIES, BOTH)
    for sent, expected in GOLDEN:
        todo, answered = list(hook.receive(sent)), []
        while todo:
            match event := todo.pop(0):
                case Started():
                    todo += hook.admitted("session")
                case Reply():
                    answered.append(event.data)
                case Audio():
                    answered.append(event.pcm[:8].hex())
        assert answered == [expected]
