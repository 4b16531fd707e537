"""AudioHook: golden conversations, the stream's position, what is refused, and hostile messages."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectstream.producers.gateway.audiohook import EVENTS_AT_ONCE, RECEIVED_AT_ONCE, AudioHook, Upgrade
from affectstream.producers.gateway.audiohook_messages import NULL_UUID, Malformed, duration, duration_ns
from affectstream.producers.gateway.events import (
    Audio,
    Dropped,
    Ended,
    Heard,
    Paused,
    Refused,
    Reply,
    Resumed,
    Started,
)
from affectstream.schemas.messages import FusedEmotion

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
                    self.got.append(json.loads(event.data))
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


def test_a_pause_is_a_gap_of_what_was_discarded_in_it():
    client = Client()
    client.open()
    client.sound(8000)
    assert client.send("paused", "PT1S") == [Paused()]
    assert client.send("ping", "PT3.7S") == []
    assert client.send("paused", "PT3.8S") == []
    assert client.send("resumed", "PT6S", start="PT1S", discarded="PT5S") == [Resumed()]
    external, _ = client.sound(800)
    assert (external.stream_ms, external.index) == (6000, 3)
    assert client.send("close", "PT6.1S", reason="end") == [Ended("end")]


def test_sound_while_paused_is_refused_and_never_passed_on():
    client = Client()
    client.open()
    client.send("paused")
    assert client.sound(160) == [Refused("sound_while_paused")]


def test_discarded_sound_is_a_gap():
    client = Client()
    client.open()
    client.sound(4000)
    assert client.send("discarded", "PT0.8S", start="PT0.5S", discarded="PT0.3S") == []
    assert [audio.stream_ms for audio in client.sound(160)] == [800, 800]


@pytest.mark.parametrize("position", ["PT0S", "PT0.7S", "PT9S"])
def test_a_position_that_is_another_is_counted_and_changes_nothing(position):
    client = Client()
    client.open()
    client.sound(4000)
    assert client.send("ping", position) == [Dropped("position")]
    assert client.sound(160)[0].stream_ms == 500


def test_a_start_that_is_another_is_counted_and_the_gap_is_as_long_as_stated():
    client = Client()
    client.open()
    client.sound(4000)
    assert client.send("discarded", "PT0.8S", start="PT6.3S", discarded="PT0.3S") == [Dropped("position")]
    assert client.sound(160)[0].stream_ms == 800


@given(st.lists(st.one_of(st.integers(1, 3000), st.integers(1, 5000).map(lambda ms: -ms)), max_size=20))
@settings(max_examples=25, deadline=None)
def test_the_position_is_exact_to_the_sample(steps):
    """Positive: samples that are sent; negative: milliseconds that are discarded."""
    client, samples = Client(media=[EXTERNAL]), 0
    client.open()
    for step in steps:
        position = duration(samples * 125_000)
        if step < 0:
            samples += -step * 8
            after = duration(samples * 125_000)
            discarded = f"PT{-step / 1000}S"
            assert client.send("discarded", after, start=position, discarded=discarded) == []
        else:
            (audio,) = client.sound(step, channels=1)
            assert audio.stream_ms == samples // 8
            samples += step
    assert client.hook._clock.position_ns == samples * 125_000


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


def test_a_message_that_is_added_to_the_protocol_later_is_ignored():
    client = Client()
    client.open()
    assert client.send("playback_started") == [Dropped("unknown_type")]
    assert client.send("ping") == [] and client.got[-1] == server(2, 3, "pong")


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


def test_a_session_that_is_continued_is_named_with_those_before_it():
    earlier = [{"id": ORGANIZATION, "serverseq": 3, "clientseq": 7}, {"id": CONVERSATION.upper()}]
    (started,) = Client(continuedSessions=earlier).open()
    assert started.continues == (ORGANIZATION, CONVERSATION)


@pytest.mark.parametrize(
    ("position", "heard", "discard_to", "first_ms"),
    [
        ("PT8S", Heard(10_000, 12_000), "PT10S", 8_000),  # its buffer overlaps with what was heard
        ("PT11S", Heard(10_000, 12_000), None, 11_000),  # what is between was lost
        ("PT0S", Heard(10_000, 12_000), None, 12_000),  # its clock begins anew
        ("PT0S", Heard(10_000, 3_000), None, 10_000),  # as in a simulation that is faster than real time
        ("PT3S", None, None, 0),  # nothing is known of the earlier ones
    ],
)
def test_a_continued_session_goes_on_with_the_time_of_the_call(position, heard, discard_to, first_ms):
    client = Client(heard=heard)
    client.open(position)
    assert client.got[0]["parameters"].get("discardTo") == discard_to
    assert client.sound(160)[0].stream_ms == first_ms


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


def final(party="customer", start_ms=2_000, label="angry"):
    return FusedEmotion(
        session_id="s",
        party=party,
        start_ms=1_700_000_000_000 + start_ms,
        end_ms=1_700_000_001_000 + start_ms,
        pane="final",
        p=(0.1, 0.0, 0.0, 0.8, 0.05, 0.05, 0.0),
        label=label,
        confidence=0.81234,
        uncertainty=0.2,
        disagreement=0.0,
        modalities=(),
        rule="bounded_pool",
    )


ASKING = {"customConfig": {"affectstream": {"emotions": True}, "other": 1}}


def test_the_fused_emotion_is_sent_back_where_the_client_asks_for_it():
    client = Client(**ASKING)
    client.open()
    assert client.hook.asks_emotions
    client.take(client.hook.emotions([final("agent"), final("other")], 1_700_000_000_500))
    (entity,) = client.got[-1]["parameters"]["entities"]
    assert client.got[-1] == server(2, 1, "event", entities=[entity])
    p = {
        "neutral": 0.1,
        "happy": 0.0,
        "sad": 0.0,
        "angry": 0.8,
        "fear": 0.05,
        "disgust": 0.05,
        "surprise": 0.0,
    }
    assert entity == {
        "type": "emotion",
        "data": {
            "channel": "internal",
            "channelId": 1,
            "party": "agent",
            "position": "PT1.5S",
            "duration": "PT1S",
            "emotion": "angry",
            "confidence": 0.8123,
            "probabilities": p,
        },
    }


@pytest.mark.parametrize(
    "config", [None, 7, {}, {"affectstream": 1}, {"affectstream": {}}, {"affectstream": {"emotions": "yes"}}]
)
def test_nothing_is_sent_back_where_the_client_does_not_ask(config):
    client = Client(customConfig=config)
    client.open()
    assert not client.hook.asks_emotions


def test_events_stay_below_the_limits_of_the_client_and_stop_when_it_complains():
    now = [0.0]
    client = Client(now_s=lambda: now[0], **ASKING)
    client.open()
    sent = [client.hook.emotions([final()], 0) for _ in range(3 * EVENTS_AT_ONCE)]
    assert sum(map(bool, sent)) == EVENTS_AT_ONCE
    now[0] = 60.0
    assert client.hook.emotions([final()], 0)
    client.serverseq = client.hook._seq
    limited = {"code": 429, "message": "slower", "retryAfter": "PT10S"}
    assert client.send("error", **limited) == [Dropped("client_error_429")]
    assert not client.hook.emotions([final()], 0)
    now[0] = 70.5
    assert client.hook.emotions([final()], 0)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("PT0S", 0),
        ("PT1.25S", 1_250_000_000),
        ("PT.5S", 500_000_000),
        ("PT7.S", 7_000_000_000),
        ("PT0.0000001S", 100),
        ("PT1M2S", 62_000_000_000),
        ("PT1H", 3_600_000_000_000),
        ("PT", None),
        ("PTS", None),
        ("PT-1S", None),
        ("1S", None),
        ("PT1e3S", None),
        ("P1D", None),
        ("PT" + "9" * 15 + "S", None),
        (1.5, None),
    ],
)
def test_durations(text, ns):
    if ns is None:
        with pytest.raises(Malformed):
            duration_ns(text)
    else:
        assert duration_ns(text) == ns


@given(st.integers(0, 86_399 * 10**9))
def test_a_duration_is_read_as_it_was_written(ns):
    assert duration_ns(duration(ns)) == ns


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
