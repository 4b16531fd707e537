"""The fused emotions that an AudioHook client is sent, and how many."""

import pytest
from support.audiohook import Client, server

from affectstream.producers.gateway.audiohook import EVENTS_AT_ONCE
from affectstream.producers.gateway.events import (
    Dropped,
)
from affectstream.schemas.messages import FusedEmotion


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
