"""What of an AudioHook session is refused, and hostile messages."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.audiohook import ORGANIZATION, SESSION, Client

from affectstream.producers.gateway.audiohook import RECEIVED_AT_ONCE
from affectstream.producers.gateway.events import (
    Audio,
    Dropped,
    Ended,
    Paused,
    Refused,
    Resumed,
    Started,
)


def test_sound_while_paused_is_refused_and_never_passed_on():
    client = Client()
    client.open()
    client.send("paused")
    assert client.sound(160) == [Refused("sound_while_paused")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seq": 3}, "sequence"),
        ({"seq": 1}, "sequence"),
        ({"seq": "2"}, "bad_message"),
        ({"seq": True}, "bad_message"),
        ({"serverseq": 2}, "server_sequence"),
        ({"serverseq": -1}, "bad_message"),
        ({"id": ORGANIZATION}, "other_session"),
        ({"id": "no"}, "bad_id"),
        ({"version": "1"}, "not_version_2"),
        ({"version": 2}, "not_version_2"),
        ({"position": "1.5"}, "bad_duration"),
        ({"position": None}, "bad_duration"),
        ({"position": "PT99999999S"}, "bad_duration"),
        ({"parameters": []}, "bad_message"),
        ({"type": 7}, "bad_message"),
        ({"type": "discarded"}, "bad_duration"),
        ({"type": "resumed", "parameters": {"start": "PT1S"}}, "bad_duration"),
        ({"type": "update"}, "bad_parameters"),
    ],
)
def test_what_breaks_the_protocol_is_refused_and_the_client_may_still_close(change, reason):
    client = Client()
    client.open()
    broken = client.hook.receive(json.dumps(client.message("ping") | change))
    assert client.take(broken) == [Refused(reason)]
    assert client.got[-1]["parameters"] == {"reason": "error", "info": reason.replace("_", " ")}
    assert client.sound(160) == []
    assert client.send("close", reason="disconnect") == [Ended("disconnect")]
    assert client.got[-1]["type"] == "closed"


@pytest.mark.parametrize("changed", [{"organizationId": SESSION}])
def test_another_organization_than_that_of_the_request_is_unauthorized(changed):
    client = Client(**changed)
    assert client.open() == [Refused("organization")]
    assert client.got[0]["parameters"]["reason"] == "unauthorized"


@pytest.mark.parametrize(
    "changed",
    [
        {"organizationId": 7},
        {"conversationId": "call-7"},
        {"participant": None},
        {"participant": {}},
        {"media": None},
        {"continuedSessions": "all"},
        {"continuedSessions": [{"id": "no"}]},
        {"continuedSessions": [7]},
    ],
)
def test_an_open_without_what_it_needs_is_refused(changed):
    client = Client(**changed)
    assert isinstance(client.open()[0], Refused)


def test_sound_before_the_session_is_open_is_refused():
    client = Client()
    assert client.sound(160) == [Refused("sound_without_media")]


@pytest.mark.parametrize("data", [b"", bytes(3)])
def test_half_a_sample_is_refused(data):
    client = Client()
    client.open()
    assert client.take(client.hook.receive(data)) == [Refused("half_a_sample")]


def test_a_client_that_sends_too_many_messages_is_refused():
    client = Client()
    client.open()
    events = [client.send("ping") for _ in range(RECEIVED_AT_ONCE)]
    assert events[-1] == [Refused("too_many_messages")] and not any(events[:-1])


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20))
JSON = st.recursive(
    SCALARS,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=8), v, max_size=3),
    max_leaves=4,
)
KINDS = ("open", "ping", "paused", "resumed", "discarded", "update", "error", "close", "dtmf")
PARAMETERS = st.dictionaries(
    st.sampled_from([*Client().opening, "start", "discarded", "continuedSessions", "customConfig", "code"]),
    JSON,
)
HOSTILE = st.one_of(
    st.text(max_size=50),
    st.binary(max_size=50),
    JSON.map(json.dumps),
    st.tuples(st.sampled_from(KINDS), PARAMETERS),
)


@given(st.lists(HOSTILE, max_size=8), st.booleans())
@settings(max_examples=60, deadline=None)
def test_hostile_messages_never_raise(sent, opened):
    client = Client()
    if opened:
        client.open()
    for message in sent:
        if isinstance(message, tuple):
            kind, parameters = message
            message = json.dumps(client.message(kind, **{}) | {"parameters": parameters})
        events = client.take(client.hook.receive(message))
        assert all(
            isinstance(e, Audio | Dropped | Ended | Paused | Refused | Resumed | Started) for e in events
        )
    assert [reply["seq"] for reply in client.got] == list(range(1, len(client.got) + 1))
